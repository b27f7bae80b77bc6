r"""What a JavaScript file loads, found without parsing it whole.

In:  source text of any kind.
Out: ``Load`` for each ``require("x")``, ``import … from "x"``, ``export … from "x"``,
     ``import("x")``.

Comments, strings, templates and regular expressions are kept apart, braces are counted, all else is
skipped. A load is *certain* if it happens whenever the file is loaded: an ``import`` declaration,
or a ``require`` outside of all braces in a statement that decides nothing.

Security: one pass; text of any length takes a time that grows with it only.

>>> [(each.specifier, each.certain) for each in scan('''
... import a from "a" // import b from "b"
... const c = require("c"), d = "require('d')"
... try { require("e") } catch { }
... if (x) f = require("f")
... ''').loads]
[('a', True), ('c', True), ('e', False), ('f', False)]
"""

from __future__ import annotations

import enum
import re

import msgspec

MAX_SOURCE = 4 << 20
"""A larger file is not scanned."""
MAX_LOADS = 20_000
MAX_DEPTH = 100_000

_WORDS = r"(?:require|import|export|try)(?![\w$])"
_SKIPPED = (
    r"(?:[^\w$.#'\"`/{}%s]++"
    rf"|(?!{_WORDS})[\w$.#]++"
    r"|//[^\n]*+"
    r"|/\*(?:[^*]++|\*(?!/))*+(?:\*/)?+"
    r"|'(?:[^'\\\n]++|\\[\s\S])*+'?+"
    r'|"(?:[^"\\\n]++|\\[\s\S])*+"?+'
    r")*+"
)
_TOP = re.compile(_SKIPPED % ";" + r"([`/{};]|require|import|export|try\b(?:\s*+\{)?+)")
_INSIDE = re.compile(_SKIPPED % "" + r"([`/{}]|require|import|export|try\b(?:\s*+\{)?+)")
"""The next token that counts, outside of all braces and in them; all before it is skipped."""
_TEMPLATE = re.compile(r"(?:[^`\\$]|\\[\s\S]|\$(?!\{))*+(`|\$\{)?+")
_REGEXP = re.compile(r"/(?:[^/\\\[\n]|\\[^\n]|\[(?:[^\]\\\n]|\\[^\n])*+\])++/")
_SPACE = r"(?:\s|/\*(?:[^*]|\*(?!/))*+\*/|//[^\n]*\n)*+"
_TEXT = r"""(?:'((?:[^'\\\n]|\\.)*+)'|"((?:[^"\\\n]|\\.)*+)")"""
_CALL = re.compile(rf"{_SPACE}(?:\?\.{_SPACE})?\({_SPACE}(?:{_TEXT}{_SPACE}(\)|,))?")
_PLAIN_TEMPLATE = re.compile(r"\s*\(\s*`([^`$\\]*)`\s*\)")
_NAME = r"[\w$]+"
_CLAUSE = (
    rf"(?:{_NAME}{_SPACE}(?:,{_SPACE})?+)?"
    rf"(?:\{{[^{{}}]*+\}}|\*{_SPACE}as{_SPACE}{_NAME})?+{_SPACE}from{_SPACE}"
)
_IMPORT = re.compile(
    rf"""{_SPACE}(?:(?P<kind>type|defer|source)\s+(?!from\s*['"]))?(?:{_CLAUSE})?{_TEXT}"""
)
_EXPORT = re.compile(
    rf"{_SPACE}(?P<kind>type\s+)?(?:\*(?:{_SPACE}as{_SPACE}{_NAME})?+|\{{[^{{}}]*+\}})"
    rf"{_SPACE}from{_SPACE}{_TEXT}"
)
_DECIDES = re.compile(
    r"\b(?:if|else|for|while|do|switch|case|function|async|class|catch|return)\b|=>|&&|\|\||\?(?!\.)"
)
_STATEMENT = re.compile(
    r"\n[ \t]*(?=(?:const|let|var|import|export|module\.exports|exports\.|require)\b)"
)
_GOES_ON = re.compile(r"(?:[(,?:&|=>]|\belse|\b(?:if|for|while)\b.*\))\s*$")
_BEFORE_REGEXP = re.compile(
    r"(?:^|[^\w$.])(?:return|typeof|instanceof|in|of|new|delete|void|throw|case|do|else|await|yield)$"
)
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|u\{([0-9a-fA-F]{1,6})\}|([\s\S]))")
_CONTINUED = re.compile(r"\s*(?:[=.,)(?:&|]|from\b|else\b|catch\b|finally\b)")
_TESTED_REGEXP = re.compile(r"/[^/\n]+/[dgimsuvy]*\.(?:test|exec)\(")
_DECLARED = re.compile(r"function\s*$")
_AWAITED = re.compile(r"\bawait\s*$")
_PREVIOUS = 800


class How(enum.Enum):
    """With what a file loads another one."""

    IMPORT = "import"
    REQUIRE = "require"
    DYNAMIC = "import()"


class Load(msgspec.Struct, frozen=True):
    """A file or package that a file loads.

    Args:
        specifier: As written.
        how: With what.
        line: Of the file, from 1.
        certain: Whether it is loaded whenever the file is.
        guarded: Whether it is in a ``try``.
    """

    specifier: str
    how: How
    line: int
    certain: bool
    guarded: bool = False


class Scan(msgspec.Struct, frozen=True):
    """What was found in a file.

    Args:
        loads: In the order of the text.
        computed: Lines and whether they are certain, of loads whose specifier is an expression.
    """

    loads: tuple[Load, ...] = ()
    computed: tuple[tuple[int, bool], ...] = ()


def scan(source: str) -> Scan:
    """Return what a file loads."""
    if "require" not in source and "import" not in source and "export" not in source:
        return Scan()
    return _Scanner(source).run()


class _Scanner:
    def __init__(self, source: str) -> None:
        self._source = source
        self._loads: list[Load] = []
        self._computed: list[tuple[int, bool]] = []
        self._stack: list[str] = []
        self._tries = 0
        self._start = 0
        self._no_regexp_before = 0
        self._line, self._line_at = 1, 0

    def run(self) -> Scan:
        source, at, stack = self._source, 0, self._stack
        while (token := (_INSIDE if stack else _TOP).match(source, at)) is not None:
            at = self._take(token[1], token.start(1), token.end())
            if len(self._loads) + len(self._computed) > MAX_LOADS or len(stack) > MAX_DEPTH:
                break
        return Scan(tuple(self._loads), tuple(self._computed))

    def _take(self, text: str, start: int, end: int) -> int:
        """Return where the next token may begin."""
        match text[0]:
            case "{":
                self._stack.append("{")
            case "}":
                return self._pop(end)
            case ";":
                self._start = end
            case "`":
                return self._template(end)
            case "/":
                return self._slash(start)
            case "r":
                return self._require(start, end)
            case "i":
                return self._import(start, end)
            case "e":
                return self._export(start, end)
            case "t" if text[-1] == "{":
                self._stack.append("try")
                self._tries += 1
        return end

    def _pop(self, end: int) -> int:
        if self._stack:
            kind = self._stack.pop()
            self._tries -= kind == "try"
            if kind == "`":
                return self._template(end)
        if not self._stack:
            self._start = end if not self._is_expression(end) else self._start
        return end

    def _is_expression(self, end: int) -> bool:
        """Tell whether a statement goes on after a brace: ``const {a} = …``, ``} from …``."""
        return _CONTINUED.match(self._source, end) is not None

    def _template(self, at: int) -> int:
        found = _TEMPLATE.match(self._source, at)
        if found is None or found[1] is None:
            return len(self._source)
        if found[1] == "${":
            self._stack.append("`")
        return found.end()

    def _slash(self, start: int) -> int:
        before = self._source[max(0, start - 40) : start].rstrip()
        last = before[-1:]
        divides = last.isalnum() or last in {")", "]", "}", "_", "$", '"', "'", "`"}
        if last.isalpha() and _BEFORE_REGEXP.search(before):
            divides = False
        if divides and last in {")", "}"}:
            # `if (x) /re/.test(y)`, `} /re/`: rare, and only a parser knows
            divides = not _TESTED_REGEXP.match(self._source, start)
        if divides or start < self._no_regexp_before:
            return start + 1
        found = _REGEXP.match(self._source, start)
        if found is None:  # nor does any other begin in the line: else lines of them take long
            end = self._source.find("\n", start)
            self._no_regexp_before = end if end >= 0 else len(self._source)
            return start + 1
        return found.end()

    def _require(self, start: int, end: int) -> int:
        found = _CALL.match(self._source, end)
        if found is None:
            return end
        text = found[1] if found[1] is not None else found[2]
        if text is None:
            plain = _PLAIN_TEMPLATE.match(self._source, end)
            if plain is None:
                if not self._source.startswith(")", found.end()):
                    self._computed.append((self._line_of(start), self._is_certain(start)))
                return end
            text = plain[1]
        if _DECLARED.search(self._source[max(0, start - 20) : start]):
            return end
        self._add(text, How.REQUIRE, start, certain=self._is_certain(start))
        return found.end()

    def _import(self, start: int, end: int) -> int:
        source = self._source
        call = _CALL.match(source, end)
        if call is not None:
            text = call[1] if call[1] is not None else call[2]
            if text is not None:
                awaits = _AWAITED.search(source[max(0, start - 20) : start])
                certain = awaits is not None and self._is_certain(start)
                self._add(text, How.DYNAMIC, start, certain=certain)
            return call.end()
        found = _IMPORT.match(source, end) if not self._stack else None
        if found is None:
            return end
        if found["kind"] != "type":
            text = found[2] if found[2] is not None else found[3]
            self._add(text, How.IMPORT, start, certain=True)
        self._start = found.end()
        return found.end()

    def _export(self, start: int, end: int) -> int:
        found = _EXPORT.match(self._source, end) if not self._stack else None
        if found is None:
            return end
        if found["kind"] is None:
            text = found[2] if found[2] is not None else found[3]
            self._add(text, How.IMPORT, start, certain=True)
        self._start = found.end()
        return found.end()

    def _add(self, text: str, how: How, start: int, *, certain: bool) -> None:
        specifier = _ESCAPE.sub(_unescaped, text)
        self._loads.append(
            Load(specifier, how, self._line_of(start), certain, guarded=self._tries > 0)
        )

    def _line_of(self, at: int) -> int:
        self._line += self._source.count("\n", self._line_at, at)
        self._line_at = at
        return self._line

    def _is_certain(self, start: int) -> bool:
        """Tell whether what is at a place is done whenever the file is loaded."""
        if self._stack:
            return False
        before = self._source[max(self._start, start - _PREVIOUS) : start]
        whole = self._start >= start - _PREVIOUS
        cuts = list(_STATEMENT.finditer(before + "require"))
        cut = cuts[-1] if cuts else None
        if cut is None:
            return whole and _DECIDES.search(before) is None
        previous = before[: cut.start()].rstrip().rpartition("\n")[2]
        if _GOES_ON.search(previous):
            return False
        return _DECIDES.search(before, cut.end()) is None


def _unescaped(found: re.Match[str]) -> str:
    code = found[1] or found[2] or found[3]
    if code:
        number = int(code, 16)
        return chr(number) if number < 0x110000 else ""
    return {"n": "\n", "t": "\t", "r": "\r", "\n": ""}.get(found[4], found[4])

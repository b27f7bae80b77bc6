r"""Words and operators of shell text, with quotes removed and what a shell replaces kept apart.

In:  text of a script, or what stands behind ``sh -c``.
Out: ``Token`` values.

Source: POSIX.1-2017, Shell Command Language, 2.2 to 2.6 and 2.10; of bash ``$'…'``, ``<<<``,
``&>`` and process substitution. Text is read leniently: what is malformed ends the reading.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec


class Variable(msgspec.Struct, frozen=True):
    """``$NAME`` or ``${NAME:-default}``; other operators make it one whose value is unknown."""

    name: str
    default: str | None = None


Part = str | Variable | None
"""Literal text, a variable, or what only a shell could tell."""


class Token(msgspec.Struct, frozen=True):
    """A word, or an operator.

    Args:
        line: Of the text, from 1.
        operator: Empty for a word; a newline for the end of a line.
        parts: Of a word.
        is_plain: Whether nothing in the word was quoted: it may be a reserved word.
    """

    line: int
    operator: str = ""
    parts: tuple[Part, ...] = ()
    is_plain: bool = True

    @property
    def literal(self) -> str | None:
        """The word if a shell replaces nothing in it."""
        if self.operator or not all(isinstance(part, str) for part in self.parts):
            return None
        return "".join(part for part in self.parts if isinstance(part, str))

    @property
    def reserved(self) -> str:
        """The word if it may be a reserved one; else empty."""
        return (self.literal or "") if self.is_plain else ""


_OPERATORS = re.compile(r"&>>|<<<|<<-|&&|\|\||;;&|;;|;&|\|&|&>|<<|>>|<&|>&|<>|>\||[;&|()<>]")
REDIRECTIONS = frozenset({"<", ">", ">>", "<<", "<<-", "<<<", "<&", ">&", "<>", ">|", "&>", "&>>"})
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!-]")
_BRACED = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*|[0-9@*])(?::?[-=]([^}\"'`$\\{]*))?\}")
_SPECIAL = re.compile(r"[\s;&|()<>'\"\\$`]|[*?\[]")
_BACKQUOTED = re.compile(r"`(?:[^`\\]|\\.)*`", re.DOTALL)
_BLANK = " \t\r"


class _MalformedError(Exception):
    """The text ends within a quote or a substitution."""


class _Reader:
    """A position in a text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.line = 1
        self._heredocs: list[tuple[str, bool]] = []

    def tokens(self) -> Iterator[Token]:
        """Yield the tokens."""
        heredoc = ""
        while self._skip_blanks():
            line = self.line
            if self.text[self.at] == "\n":
                self._next_line()
                yield Token(line, "\n")
                continue
            found = _OPERATORS.match(self.text, self.at)
            if found is not None and not self._is_substitution(found.group()):
                self.at = found.end()
                heredoc = found.group() if found.group() in {"<<", "<<-"} else ""
                yield Token(line, found.group())
                continue
            token = self._word()
            if heredoc:
                self._heredocs.append((token.literal or "", heredoc == "<<-"))
                heredoc = ""
            yield token

    def _is_substitution(self, operator: str) -> bool:
        return operator in {"<", ">"} and self.text[self.at + 1 : self.at + 2] == "("

    def _skip_blanks(self) -> bool:
        """Go to the next token; return whether there is one."""
        text = self.text
        while self.at < len(text):
            char = text[self.at]
            if char in _BLANK:
                self.at += 1
            elif text.startswith("\\\n", self.at):
                self.at += 2
                self.line += 1
            elif char == "#":
                end = text.find("\n", self.at)
                self.at = len(text) if end < 0 else end
            else:
                return True
        return False

    def _next_line(self) -> None:
        self.at += 1
        self.line += 1
        for delimiter, tabs in self._heredocs:
            while self.at < len(self.text):
                end = self.text.find("\n", self.at)
                end = len(self.text) if end < 0 else end
                found = self.text[self.at : end]
                self.at = end + 1
                self.line += 1
                if (found.lstrip("\t") if tabs else found) == delimiter:
                    break
        self._heredocs.clear()

    def _word(self) -> Token:
        line, is_plain = self.line, True
        parts: list[Part] = []
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == "'":
                parts.append(self._until("'", self.at + 1))
                is_plain = False
            elif char == '"':
                self.at += 1
                self._double_quoted(parts)
                is_plain = False
            elif char == "\\":
                parts.append(self._escaped())
                is_plain = False
            elif char == "$":
                self._dollar(parts)
            elif char == "`":
                self._backquoted()
                parts.append(None)
            elif char in "<>" and self.text[self.at + 1 : self.at + 2] == "(":
                self.at += 1
                self._nested("(", ")")
                parts.append(None)
            elif char.isspace() or char in ";&|()<>":
                break
            elif char in "*?[" or (char == "~" and not parts):
                parts += [None, char] if char == "[" else [None]
                self.at += 1
            else:
                found = _SPECIAL.search(self.text, self.at + 1)
                end = len(self.text) if found is None else found.start()
                parts.append(self.text[self.at : end])
                self.at = end
        return Token(line, "", _bracket(parts), is_plain)

    def _escaped(self) -> str:
        char = self.text[self.at + 1 : self.at + 2]
        self.at += 2
        self.line += char == "\n"
        return "" if char == "\n" else char

    def _until(self, end: str, start: int) -> str:
        at = self.text.find(end, start)
        if at < 0:
            raise _MalformedError
        self.at = at + 1
        found = self.text[start:at]
        self.line += found.count("\n")
        return found

    def _backquoted(self) -> None:
        found = _BACKQUOTED.match(self.text, self.at)
        if found is None:
            raise _MalformedError
        self.line += found.group().count("\n")
        self.at = found.end()

    def _double_quoted(self, parts: list[Part]) -> None:
        literal: list[str] = [""]
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == '"':
                self.at += 1
                parts.append("".join(literal))
                return
            if char == "\\" and self.text[self.at + 1 : self.at + 2] in {*'$`"\\\n'}:
                literal.append(self._escaped())
            elif char in "$`":
                parts.append("".join(literal))
                literal.clear()
                if char == "$":
                    self._dollar(parts, quoted=True)
                else:
                    self._backquoted()
                    parts.append(None)
            else:
                literal.append(char)
                self.line += char == "\n"
                self.at += 1
        raise _MalformedError

    def _dollar(self, parts: list[Part], *, quoted: bool = False) -> None:
        self.at += 1
        char = self.text[self.at : self.at + 1]
        name = _NAME.match(self.text, self.at)
        braced = _BRACED.match(self.text, self.at)
        if name is not None:
            self.at = name.end()
            parts.append(Variable(name.group()))
        elif braced is not None:
            self.at = braced.end()
            parts.append(Variable(braced.group(1), braced.group(2)))
        elif char == "(":
            self._nested("(", ")")
            parts.append(None)
        elif char == "{":
            self._nested("{", "}")
            parts.append(None)
        elif char == "'" and not quoted:
            self._until("'", self.at + 1)
            parts.append(None)
        elif char != '"' or quoted:
            parts.append("$")

    def _nested(self, opening: str, closing: str) -> None:
        """Go behind a substitution, minding quotes in it."""
        depth = 0
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == "'":
                self._until("'", self.at + 1)
                continue
            if char == "\\":
                self._escaped()
                continue
            self.at += 1
            self.line += char == "\n"
            depth += (char == opening) - (char == closing)
            if depth == 0:
                return
        raise _MalformedError


def _bracket(parts: list[Part]) -> tuple[Part, ...]:
    """Return parts of a word in which ``[`` by itself is the name of a command."""
    if parts in ([None, "["], [None, "[", None, "["]):
        return ("[" * (len(parts) // 2),)
    return tuple(part for part in parts if part != "") or ("",)


def tokens(text: str) -> tuple[list[Token], bool]:
    """Return the tokens of a text, and whether it was read to its end."""
    found: list[Token] = []
    try:
        for token in _Reader(text).tokens():
            found.append(token)  # noqa: PERF402  those before a malformed one count
    except _MalformedError:
        return found, False
    return found, True

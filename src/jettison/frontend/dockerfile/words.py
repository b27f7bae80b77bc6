r"""Words: quotes, escapes and ``$name`` in raw text, much as a POSIX shell has them.

In:  raw text, variables, the file's escape character.
Out: ``Expanded``: one word, or ``Split``: many; both name the variables that were used.

The forms are ``$name``, ``${name}``, ``${name-w}``, ``${name:-w}``, ``+`` and ``?`` likewise,
``${name#p}``, ``##``, ``%``, ``%%``, ``${name/p/r}`` and ``${name//p/r}``. Positional and special
parameters (``$1``, ``$@`` …) are unset variables.

What a text grows by is bounded: ``ENV A=$A$A`` doubles a value by each line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from jettison.errors import ExpansionError
from jettison.frontend.dockerfile import globs
from jettison.frontend.dockerfile.text import quote

DEFAULT_ESCAPE = "\\"
MAX_GROWTH = 1 << 20
"""Characters that the variables of one text may come to; Linux gives a program 128 KiB of each."""

_MAX_DEPTH = 50
_SHOWN = 200
_ORDINARY = re.compile(r"""[^$'"\\`}/]+""")
_WHITE = re.compile(r"[^\S\x1c-\x1f]+")
_SPECIAL_PARAMETERS = frozenset("@*#?-$!0")


class Expanded(msgspec.Struct, frozen=True):
    """One expanded word; ``unmatched`` are variables that were used and have no value."""

    text: str
    matched: frozenset[str] = frozenset()
    unmatched: frozenset[str] = frozenset()


class Split(msgspec.Struct, frozen=True):
    """Expanded words, split at white space that was not quoted, after expansion."""

    words: tuple[str, ...]
    matched: frozenset[str] = frozenset()
    unmatched: frozenset[str] = frozenset()


def expand(
    word: str, env: Mapping[str, str], escape: str = DEFAULT_ESCAPE, *, quotes: bool = True
) -> Expanded:
    r"""Expand raw text as one word.

    Args:
        word: Raw text.
        env: Variables by name.
        escape: The file's escape character.
        quotes: False in heredoc bodies, where quotes are ordinary characters.

    Raises:
        ExpansionError: A quote or brace is not closed, a modifier is unknown, or ``${name:?}``
            found no value.

    >>> expand("$a/${b:-x}'$a'", {"a": "1"}).text
    '1/x$a'
    """
    if not _is_special(word, escape, quotes=quotes):
        return Expanded(word)
    lexer = _Lexer(word, env, escape, quotes=quotes)
    text, _ = lexer.run()
    return Expanded(text, frozenset(lexer.matched), frozenset(lexer.unmatched))


def split_words(word: str, env: Mapping[str, str], escape: str = DEFAULT_ESCAPE) -> Split:
    """Expand raw text and split it into words.

    Raises:
        ExpansionError: As ``expand``.

    >>> split_words("a $b 'c d'", {"b": "1 2"}).words
    ('a', '1', '2', 'c d')
    """
    lexer = _Lexer(word, env, escape)
    _, words = lexer.run()
    return Split(tuple(words), frozenset(lexer.matched), frozenset(lexer.unmatched))


def raw_words(text: str, *, raw: bool) -> list[str]:
    """Split text whose variables are left alone; with ``raw`` quotes and escapes stay, too.

    The escape character is a backslash whatever the file says: this finds heredocs.

    Raises:
        ExpansionError: A quote or brace is not closed.
    """
    return _Lexer(text, {}, DEFAULT_ESCAPE, raw=raw, keep_unset=True).run()[1]


def _is_special(word: str, escape: str, *, quotes: bool) -> bool:
    return "$" in word or escape in word or (quotes and ("'" in word or '"' in word))


class _WordList:
    """Collects words; text between white space is joined once."""

    __slots__ = ("parts", "words")

    def __init__(self) -> None:
        self.words: list[str] = []
        self.parts: list[str] = []

    def add(self, text: str) -> None:
        """Add unquoted text, which may end words."""
        first, *rest = _WHITE.split(text)
        if first:
            self.parts.append(first)
        for piece in rest:
            self.end()
            if piece:
                self.parts.append(piece)

    def end(self) -> list[str]:
        """End the current word, if there is one, and return all words."""
        if self.parts:
            word = "".join(self.parts)
            if word:
                self.words.append(word)
            self.parts = []
        return self.words


class _Lexer:
    """One pass over raw text."""

    __slots__ = (
        "_depth",
        "_env",
        "_escape",
        "_grown",
        "_keep_unset",
        "_pos",
        "_quotes",
        "_raw_escapes",
        "_raw_quotes",
        "_text",
        "matched",
        "unmatched",
    )

    def __init__(
        self,
        text: str,
        env: Mapping[str, str],
        escape: str,
        *,
        quotes: bool = True,
        raw: bool = False,
        keep_unset: bool = False,
    ) -> None:
        self._text = text
        self._env = env
        self._escape = escape
        self._quotes = quotes
        self._raw_quotes = raw
        self._raw_escapes = raw
        self._keep_unset = keep_unset
        self._pos = 0
        self._depth = 0
        self._grown = 0
        self.matched: set[str] = set()
        self.unmatched: set[str] = set()

    def run(self) -> tuple[str, list[str]]:
        """Expand all of the text; return it whole and as words."""
        try:
            return self._until("", raw_escapes=self._raw_escapes)
        except ExpansionError as error:
            text = self._text
            if self._grown > MAX_GROWTH and len(text) > _SHOWN:
                text = text[:_SHOWN] + "…"
            raise ExpansionError(
                f"failed to process {quote(text)}: {error.message}", hint=error.hint
            ) from None

    def _peek(self) -> str:
        return self._text[self._pos : self._pos + 1]

    def _next(self) -> str:
        char = self._text[self._pos : self._pos + 1]
        self._pos += 1
        return char

    def _at_end(self) -> bool:
        return self._pos >= len(self._text)

    def _until(self, stop: str, *, raw_escapes: bool) -> tuple[str, list[str]]:
        """Expand up to an unquoted ``stop`` character, or to the end if it is empty."""
        if self._depth > _MAX_DEPTH:
            raise ExpansionError("substitutions are nested too deeply")
        before, self._raw_escapes = self._raw_escapes, raw_escapes
        self._depth += 1
        try:
            return self._scan(stop)
        finally:
            self._depth -= 1
            self._raw_escapes = before

    def _scan(self, stop: str) -> tuple[str, list[str]]:
        out: list[str] = []
        words = _WordList()
        while not self._at_end():
            run = _ORDINARY.match(self._text, self._pos)
            if run:
                self._pos = run.end()
                out.append(run[0])
                words.add(run[0])
                continue
            char = self._peek()
            if char == stop:
                self._pos += 1
                return "".join(out), words.end()
            if char == "$":
                value = self._dollar()
                out.append(value)
                words.add(value)
            elif self._quotes and char in "'\"":
                value = self._single_quoted() if char == "'" else self._double_quoted()
                out.append(value)
                words.parts.append(value)
            elif char == self._escape:
                value = self._escaped()
                out.append(value)
                words.parts.append(value)
            else:
                self._pos += 1
                out.append(char)
                words.add(char)
        if stop:
            raise ExpansionError(f"unexpected end of statement while looking for matching {stop}")
        return "".join(out), words.end()

    def _escaped(self) -> str:
        """Read an escape outside of quotes; the last character of the text escapes nothing."""
        self._pos += 1
        return (self._escape if self._raw_escapes else "") + self._next()

    def _single_quoted(self) -> str:
        start = self._pos + 1
        end = self._text.find("'", start)
        if end < 0:
            self._pos = len(self._text)
            raise ExpansionError(
                "unexpected end of statement while looking for matching single-quote"
            )
        self._pos = end + 1
        return self._text[start - 1 : end + 1] if self._raw_quotes else self._text[start:end]

    def _double_quoted(self) -> str:
        mark = '"' if self._raw_quotes else ""
        out = [mark]
        self._pos += 1
        while not self._at_end():
            run = _ORDINARY.match(self._text, self._pos)
            if run:
                self._pos = run.end()
                out.append(run[0])
                continue
            char = self._peek()
            if char == "$":
                out.append(self._dollar())
                continue
            self._pos += 1
            if char == '"':
                out.append(mark)
                return "".join(out)
            if char == self._escape:
                if self._raw_escapes:
                    out.append(char)
                following = self._peek()
                if not following:
                    continue
                if following in ('"', "$", self._escape):
                    char = self._next()
            out.append(char)
        raise ExpansionError("unexpected end of statement while looking for matching double-quote")

    def _dollar(self) -> str:
        self._pos += 1
        if self._peek() == "{":
            self._pos += 1
            return self._braces()
        name = self._name()
        if not name:
            return "$"
        value = self._lookup(name)
        if value is None:
            return f"${name}" if self._keep_unset else ""
        return value

    def _braces(self) -> str:
        first = self._peek()
        if not first:
            raise ExpansionError("syntax error: missing '}'")
        if first in "{}:":
            raise ExpansionError("syntax error: bad substitution")
        name = self._name()
        operator = self._next()
        if operator == "}":
            value = self._lookup(name)
            if value is None:
                return f"${{{name}}}" if self._keep_unset else ""
            return value
        if not operator:
            raise ExpansionError("syntax error: missing '}'")
        if operator == "/":
            return self._replacement(name)
        if operator == ":":
            operator += self._next()
        if operator[-1] not in ("+-?" if operator[0] == ":" else "+-?#%"):
            raise ExpansionError(f"unsupported modifier ({operator}) in substitution")
        return self._modified(name, operator)

    def _modified(self, name: str, operator: str) -> str:
        kind = operator[-1]
        word = self._part("}", "syntax error: missing '}'", raw_escapes=kind in "#%")
        value = self._lookup(name)
        if value is None and self._keep_unset:
            return f"${{{name}{operator}{word}}}"
        absent = value is None or (operator[0] == ":" and not value)
        if kind == "-":
            return word if absent or value is None else value
        if kind == "+":
            return "" if absent else word
        if kind == "?":
            if absent or value is None:
                lack = "unset" if value is None else "empty"
                raise ExpansionError(f"{name}: {word or f'is not allowed to be {lack}'}")
            return value
        longest = word.startswith(kind)
        remove = globs.remove_prefix if kind == "#" else globs.remove_suffix
        return remove(value or "", word[1:] if longest else word, longest=longest)

    def _replacement(self, name: str) -> str:
        every = self._peek() == "/"
        if every:
            self._pos += 1
        pattern = self._part("/", "syntax error: missing '/' in ${}", raw_escapes=True)
        replacement = self._part("}", "syntax error: missing '}'", raw_escapes=True)
        value = self._lookup(name)
        if value is None and self._keep_unset:
            return f"${{{name}/{pattern}/{replacement}}}"
        return globs.replace(value or "", pattern, replacement, every=every, grows=self._grows)

    def _part(self, stop: str, missing: str, *, raw_escapes: bool) -> str:
        try:
            return self._until(stop, raw_escapes=raw_escapes)[0]
        except ExpansionError:
            if self._at_end():
                raise ExpansionError(missing) from None
            raise

    def _name(self) -> str:
        """Read a name: letters, digits and ``_``, or digits only, or one special character."""
        text, start = self._text, self._pos
        end, size = start, len(text)
        if start < size and text[start].isdecimal():
            while end < size and text[end].isdecimal():
                end += 1
        elif start < size and text[start] in _SPECIAL_PARAMETERS:
            end += 1
        else:
            while end < size and (text[end] == "_" or text[end].isalpha() or text[end].isdecimal()):
                end += 1
        self._pos = end
        return text[start:end]

    def _lookup(self, name: str) -> str | None:
        value = self._env.get(name)
        (self.unmatched if value is None else self.matched).add(name)
        if value:
            self._grows(len(value))
        return value

    def _grows(self, size: int) -> None:
        """Count what is put in the place of a variable.

        Raises:
            ExpansionError: it is too much for one text.
        """
        self._grown += size
        if self._grown > MAX_GROWTH:
            raise ExpansionError(
                f"its variables come to more than {MAX_GROWTH >> 20} MiB",
                hint="look for a variable that is set to itself several times",
            )

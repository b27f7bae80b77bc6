"""Template text to tokens.

In:  text with actions between ``{{`` and ``}}``.
Out: ``Token``s with their byte offset, as Go counts positions.

Source: Go's ``text/template/parse``, lex.go (texts of errors, trimming).
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator

import msgspec

from jettison.console.template.errors import parse_error

_SPACES = " \t\r\n"
_KEYWORDS = frozenset(
    {"block", "break", "continue", "define", "else", "end", "false", "if", "nil", "range"}
    | {"template", "true", "with"}
)

_TRIM_AFTER = re.compile(r"[ \t\r\n]+-\}\}")
_TERMINATORS = frozenset({"", " ", "\t", "\r", "\n", ".", ",", "|", ":", ")", "("})
"""What may follow a name."""

_TOKEN = re.compile(
    r"""
    (?P<space>[ \t\r\n]+)
  | (?P<string>"(?:[^"\\\n]|\\.)*"|`[^`]*`)
  | (?P<char>'(?:[^'\\\n]|\\.)+')
  | (?P<number>[+-]?(?:0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+
      |[0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9]+)?|\.[0-9]+(?:[eE][+-]?[0-9]+)?)(?!\w))
  | (?P<field>\.[^\W\d]\w*)
  | (?P<variable>\$\w*)
  | (?P<word>[^\W\d]\w*)
  | (?P<mark>:=|[!#%&()*,\-./:;<=>?@\[\]^{|}~])
    """,
    re.VERBOSE,
)


class Kind(enum.Enum):
    """What a token is."""

    TEXT = "text"
    OPEN = "{{"
    CLOSE = "}}"
    SPACE = "space"
    STRING = "string"
    CHAR = "char"
    NUMBER = "number"
    FIELD = "field"
    VARIABLE = "variable"
    WORD = "word"
    KEYWORD = "keyword"
    MARK = "mark"
    END = "EOF"


class Token(msgspec.Struct, frozen=True):
    """A part of a template; ``at`` is its offset in characters, ``line`` counts from 1."""

    kind: Kind
    text: str
    at: int
    line: int

    @property
    def shown(self) -> str:
        """What errors call it."""
        if self.kind is Kind.END:
            return "EOF"
        if self.kind is Kind.KEYWORD or (self.kind is Kind.MARK and self.text == "."):
            return f"<{self.text}>"
        if len(self.text) > 10:
            return f'"{self.text[:10]}"...'
        return f'"{self.text}"'


def tokens(text: str) -> Iterator[Token]:
    """Yield the tokens of a template, the end last.

    Raises:
        UsageError: a delimiter, a quote or a comment is not closed, or a character is none of
            the language.
    """
    at = 0
    trimmed = False
    while at < len(text):
        start = text.find("{{", at)
        plain = text[at:] if start < 0 else text[at:start]
        if trimmed:
            plain = plain.lstrip(_SPACES)
        if start >= 0 and _trims_before(text, start):
            plain = plain.rstrip(_SPACES)
        if plain:
            yield Token(Kind.TEXT, plain, at, _line(text, at))
        if start < 0:
            break
        inside = start + (3 if _trims_before(text, start) else 2)
        comment = _comment(text, inside)
        if comment is not None:
            at, trimmed = comment
            continue
        yield Token(Kind.OPEN, "{{", start, _line(text, start))
        at = inside
        while not (closed := _closing(text, at)):
            token = _next(text, at)
            yield token
            at += len(token.text)
        yield Token(Kind.CLOSE, "}}", at, _line(text, at))
        trimmed = closed > 2
        at += closed
    yield Token(Kind.END, "", len(text), _line(text, len(text)))


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def _trims_before(text: str, start: int) -> bool:
    return text.startswith("{{-", start) and text[start + 3 : start + 4] in {" ", "\t", "\r", "\n"}


def _closing(text: str, at: int) -> int:
    """Return how many characters end the action here, or 0."""
    if text.startswith("}}", at):
        return 2
    trim = _TRIM_AFTER.match(text, at)
    return trim.end() - at if trim else 0


def _comment(text: str, inside: int) -> tuple[int, bool] | None:
    """Return where a comment ends, and whether it trims what follows; None if it is none."""
    start = inside
    if text[inside - 1] == "-":
        start = len(text) - len(text[inside:].lstrip(_SPACES))
    if not text.startswith("/*", start):
        return None
    end = text.find("*/", start)
    if end < 0:
        raise parse_error("unclosed comment", _line(text, start))
    closed = _closing(text, end + 2)
    if not closed:
        raise parse_error("comment ends before closing delimiter", _line(text, start))
    return end + 2 + closed, closed > 2


def _next(text: str, at: int) -> Token:
    line = _line(text, at)
    if at >= len(text):
        raise parse_error("unclosed action", line)
    found = _TOKEN.match(text, at)
    if found is None:
        raise parse_error(_problem(text, at), line)
    kind = Kind[(found.lastgroup or "").upper()]
    word = found.group()
    following = text[found.end() : found.end() + 1]
    if (
        kind in {Kind.FIELD, Kind.VARIABLE, Kind.WORD}
        and following not in _TERMINATORS
        and not _closing(text, found.end())
    ):
        shown = f"U+{ord(following):04X} '{following}'"
        raise parse_error(f"bad character {shown}", line)
    if kind is Kind.WORD and word in _KEYWORDS:
        kind = Kind.KEYWORD
    return Token(kind, word, at, line)


def _problem(text: str, at: int) -> str:
    character = text[at]
    if character == '"':
        return "unterminated quoted string"
    if character == "`":
        return "unterminated raw quoted string"
    if character == "'":
        return "unterminated character constant"
    if character.isdigit() or character in "+-":
        word = re.compile(r"[+-]?[\w.]*").match(text, at)
        return f'bad number syntax: "{word.group() if word else character}"'
    return f"unrecognized character in action: U+{ord(character):04X} '{character}'"

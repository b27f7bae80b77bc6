"""Lines: directives, comments, continuation lines, and the bodies of heredocs.

In:  the text of a file.
Out: logical lines, each with the physical lines it came from.

Source: facts in the Dockerfile reference, sections "Parser directives" and "Escape".
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from jettison.errors import DockerfileSyntaxError, Span
from jettison.frontend.dockerfile.syntax import Directive, Heredoc
from jettison.frontend.dockerfile.text import SPACES
from jettison.frontend.dockerfile.words import DEFAULT_ESCAPE

MAX_LINE_BYTES = 65535
_DIRECTIVE = re.compile(r"([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*")
DIRECTIVES = frozenset({"syntax", "escape", "check"})
"""The names of parser directives."""


class LogicalLine(msgspec.Struct, frozen=True):
    """A line after its continuation lines were joined.

    ``start`` and ``end`` are the numbers of the first and last physical line. ``comments`` are
    the comment lines directly above. ``has_empty`` tells that a continuation line was empty.
    """

    text: str
    start: int
    end: int
    comments: tuple[str, ...] = ()
    has_empty: bool = False


def split_lines(text: str) -> list[str]:
    """Return the physical lines without their newlines; a byte order mark is dropped.

    Raises:
        DockerfileSyntaxError: A line is longer than 65,535 bytes.
    """
    lines = text.removeprefix("\ufeff").split("\n")
    if not lines[-1]:
        lines.pop()
    for number, line in enumerate(lines, 1):
        if len(line) * 4 > MAX_LINE_BYTES and len(line.encode(errors="replace")) > MAX_LINE_BYTES:
            raise DockerfileSyntaxError(
                f"dockerfile line greater than max allowed size of {MAX_LINE_BYTES}",
                hint="split the line with continuation lines or a heredoc",
                span=Span(number),
            )
    return lines


def read_directives(lines: Sequence[str]) -> tuple[tuple[Directive, ...], str]:
    r"""Return the parser directives at the head of a file and its escape character.

    Raises:
        DockerfileSyntaxError: A directive comes twice, or the escape is neither ``\`` nor `````.
    """
    found: dict[str, Directive] = {}
    for number, line in enumerate(lines, 1):
        text = line.strip(SPACES)
        if not text.startswith("#"):
            break
        match = _DIRECTIVE.fullmatch(text[1:].lstrip(SPACES))
        if match is None or (name := match[1].lower()) not in DIRECTIVES:
            break
        span = Span(number)
        if name in found:
            raise DockerfileSyntaxError(f"only one {name} parser directive can be used", span=span)
        found[name] = Directive(name, match[2], span)
    escape = found.get("escape")
    if escape is not None and escape.value not in {"\\", "`"}:
        raise DockerfileSyntaxError(
            f"invalid escape token '{escape.value}' does not match ` or \\", span=escape.span
        )
    return tuple(found.values()), escape.value if escape else DEFAULT_ESCAPE


class LineReader:
    """Reads logical lines one after the other, and heredoc bodies when it is asked to."""

    def __init__(self, lines: Sequence[str], escape: str) -> None:
        self._lines = lines
        self._escape = escape
        self._next = 0

    @property
    def line(self) -> int:
        """Number of the last physical line that was read."""
        return self._next

    def logical_line(self) -> LogicalLine | None:
        """Return the next logical line that is not empty, or None at the end."""
        comments: list[str] = []
        lines = self._lines
        while self._next < len(lines):
            line = lines[self._next].lstrip(SPACES).rstrip("\r")
            self._next += 1
            if line.startswith("#"):
                comment = line[1:].strip(SPACES)
                if comment:
                    comments.append(comment)
                else:
                    comments.clear()
            elif line:
                return self._continued(line, tuple(comments))
            else:
                comments.clear()
        return None

    def _continued(self, line: str, comments: tuple[str, ...]) -> LogicalLine:
        start = self._next
        text, goes_on = self._without_escape(line)
        if not goes_on:
            return LogicalLine(text, start, start, comments)
        parts = [text]
        has_empty = False
        while goes_on and self._next < len(self._lines):
            line = self._lines[self._next].rstrip("\r")
            self._next += 1
            content = line.lstrip(SPACES)
            if content.startswith("#"):
                continue
            if not content:
                has_empty = True
                continue
            text, goes_on = self._without_escape(line)
            parts.append(text)
        return LogicalLine("".join(parts), start, self._next, comments, has_empty)

    def _without_escape(self, line: str) -> tuple[str, bool]:
        """Cut off a final escape character; a doubled one does not continue the line."""
        bare = line.rstrip(" \t")
        if bare.endswith(self._escape) and not bare.endswith(self._escape * 2):
            return bare[:-1], True
        return line, False

    def body(self, heredoc: Heredoc, start: int) -> str:
        """Read lines up to a heredoc's delimiter and return those before it.

        Args:
            heredoc: Whose body it is.
            start: The first line of the instruction, for the error.

        Raises:
            DockerfileSyntaxError: The file ends before.
        """
        first = self._next
        while self._next < len(self._lines):
            line = self._lines[self._next].rstrip("\r")
            self._next += 1
            if (line.lstrip("\t") if heredoc.chomp else line) == heredoc.name:
                return "".join(f"{each}\n" for each in self._lines[first : self._next - 1])
        raise DockerfileSyntaxError(
            "unterminated heredoc",
            hint=f"end it with a line that is only `{heredoc.name}`",
            span=Span(start, end_line=self._next),
        )

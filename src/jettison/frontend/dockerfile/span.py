"""Places in a Dockerfile: columns of errors, and excerpts with the place marked.

In:  the text and a ``Span``.
Out: spans with columns; lines of text, the wrong ones marked with ``>>>`` and carets below.
"""

from __future__ import annotations

import re
from itertools import islice

import msgspec

from jettison.errors import FrontendError, Span
from jettison.oci.redact import blanked

_CONTEXT_LINES = 2
_MAX_LITERALS = 8
_LITERAL = r'"([^"]+)"|`([^`]+)`|\'([^\']+)\'|\((\$\S+)\)|: ([^\s"`\'(]\S*)'


class pointing:  # noqa: N801 - used like a function, in `with`
    """Give errors of the frontend that have a line but no column one: that of what they name.

    Where the line does not hold what the message names, it is the line's first word: the
    instruction.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __enter__(self) -> None:
        """Do nothing: only errors matter."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: object
    ) -> None:
        """Put columns into the place of an error."""
        if isinstance(error, FrontendError) and error.span is not None and not error.span.column:
            error.span = with_columns(self._text, error.span, error.message)


def with_columns(text: str, span: Span, message: str) -> Span:
    r"""Return a span with the columns of what a message names, else of the line's first word.

    >>> with_columns("FROM a\nCOPY --form=b c d\n", Span(2), "unknown flag: --form")
    Span(line=2, column=6, end_line=2, end_column=12)
    """
    lines = text.split("\n", span.line)
    line = lines[span.line - 1].rstrip("\r") if span.line <= len(lines) else ""
    if not line.strip():
        return span
    literals = islice(re.finditer(_LITERAL, message), _MAX_LITERALS)
    named = [next(filter(None, match.groups())) for match in literals]
    named += [name.removesuffix(":latest") for name in named if name.endswith(":latest")]
    start = len(line) - len(line.lstrip())
    end = start + len(line.split(maxsplit=1)[0])
    for name in named:
        word = re.escape(name.lstrip("/") or name)  # paths of a context are relative to its root
        found = re.search(rf"(?<![^\s\"'\[,=/]){word}(?![^\s\"'\],=])", line)
        found = found or re.search(rf"(?<!\w){word}(?!\w)", line)
        if found is not None:
            start, end = found.span()
            break
    if span.end_line > span.line:
        return msgspec.structs.replace(span, column=start + 1)
    return Span(span.line, start + 1, span.line, end + 1)


def excerpt(text: str, span: Span, *, filename: str = "Dockerfile") -> str:
    r"""Return ``file:line`` and the lines around a span.

    >>> print(excerpt("FROM a\nRUM b\n", Span(2, 1, 2, 4)))
    Dockerfile:2
    --------------------
       1 |     FROM a
       2 | >>> RUM b
         |     ^^^
    --------------------
    """
    lines = text.split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    last = max(span.end_line, span.line)
    out = [f"{filename}:{span.line}", "-" * 20]
    for number in range(
        max(1, span.line - _CONTEXT_LINES), min(len(lines), last + _CONTEXT_LINES) + 1
    ):
        line = blanked(lines[number - 1].rstrip("\r"))
        mark = ">>>" if span.line <= number <= last else "   "
        out.append(f"{number:4d} | {mark} {line}".rstrip())
        if number == span.line and span.column > 0:
            one_line = span.end_line in {0, span.line}
            first_word = len(line[span.column - 1 :].split(" ", 1)[0])
            end = span.end_column if one_line else span.column + first_word
            pad = "".join("\t" if c == "\t" else " " for c in line[: span.column - 1])
            out.append(f"     |     {pad}{'^' * max(1, end - span.column)}")
    out.append("-" * 20)
    return "\n".join(out)

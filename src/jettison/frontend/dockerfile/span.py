"""Excerpts of a Dockerfile with the place marked, as errors and findings show them.

In:  the text and a ``Span``.
Out: lines of text, the wrong ones marked with ``>>>`` and a caret under the column.
"""

from __future__ import annotations

from jettison.errors import Span

_CONTEXT_LINES = 2


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
        line = lines[number - 1].rstrip("\r")
        mark = ">>>" if span.line <= number <= last else "   "
        out.append(f"{number:4d} | {mark} {line}".rstrip())
        if number == span.line and span.column > 0:
            end = span.end_column if span.end_line in {0, span.line} else len(line) + 1
            pad = "".join("\t" if c == "\t" else " " for c in line[: span.column - 1])
            out.append(f"     |     {pad}{'^' * max(1, end - span.column)}")
    out.append("-" * 20)
    return "\n".join(out)

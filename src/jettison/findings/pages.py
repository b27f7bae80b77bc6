"""Pages about rules, made from their docstrings.

In:  a docstring: a summary, then sections whose code is indented by four spaces.
Out: Markdown with fenced code.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable

_INDENT = "    "


def summary_and_body(rule: object) -> tuple[str, list[str]]:
    """Return the first paragraph of a rule's docstring, and the lines of its sections."""
    summary, _, body = (inspect.getdoc(rule) or "").partition("\n\n")
    return summary, _fenced(body.split("\n"))


def _fenced(lines: Iterable[str]) -> list[str]:
    """Return Markdown with fenced code blocks for indented ones, and blank lines around."""
    out: list[str] = []
    code = False
    for line in lines:
        if line.startswith(_INDENT) and not code:
            out += ["", "```dockerfile"]
            code = True
        elif code and line and not line.startswith(_INDENT):
            out = [*_without_blank_end(out), "```", ""]
            code = False
        out.append(line.removeprefix(_INDENT) if code else line)
        if line.startswith("## "):
            out.append("")
    if code:
        out = [*_without_blank_end(out), "```"]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(out).strip("\n")).split("\n")


def _without_blank_end(lines: list[str]) -> list[str]:
    while lines and not lines[-1]:
        lines = lines[:-1]
    return lines

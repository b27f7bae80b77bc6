"""Fixes, applied to a Dockerfile's text and shown to people.

In:  a text, ``Fix``.
Out: the text with the change; a line or two that say what to change.
"""

from __future__ import annotations

from collections.abc import Iterable

from jettison.findings.finding import Fix, FixKind


def apply_fix(text: str, fix: Fix) -> str:
    r"""Return a Dockerfile's text with one fix applied.

    >>> apply_fix("FROM a\nRUN b\n", Fix(FixKind.INSERT, "USER 1", line=1))
    'FROM a\nUSER 1\nRUN b\n'
    """
    lines = text.split("\n")
    if lines and not lines[-1]:
        lines.pop()
    new = fix.text.split("\n")
    first, last = fix.line - 1, max(fix.line, fix.end_line)
    match fix.kind:
        case FixKind.INSERT:
            lines[fix.line : fix.line] = new
        case FixKind.REPLACE:
            lines[first:last] = new
        case FixKind.DELETE:
            del lines[first:last]
        case FixKind.APPEND:
            lines += new
        case FixKind.ADVICE:
            pass
    return "\n".join(lines) + "\n"


def fix_lines(fix: Fix) -> list[str]:
    """Return what to do, for people: a sentence, or a heading and the new lines below it."""
    place = f"line {fix.line}"
    if fix.end_line > fix.line:
        place = f"lines {fix.line} to {fix.end_line}"
    if fix.kind is FixKind.ADVICE:
        return fix.text.split("\n")
    if fix.kind is FixKind.DELETE:
        return [f"remove {place}"]
    heads = {
        FixKind.APPEND: "add at the end:",
        FixKind.REPLACE: f"replace {place}:",
        FixKind.INSERT: f"add after {place}:" if fix.line else "add at the top:",
    }
    head = heads[fix.kind]
    if "\n" not in fix.text:
        return [f"{head} {fix.text}"]
    return [head, *(f"    {line}" for line in fix.text.split("\n"))]


def advice(text: str) -> tuple[Fix, ...]:
    """Return a fix that only people can apply."""
    return (Fix(FixKind.ADVICE, text),)


def machine_fixes(fixes: Iterable[Fix]) -> list[Fix]:
    """Return the fixes that ``apply_fix`` changes something by."""
    return [fix for fix in fixes if fix.kind is not FixKind.ADVICE]

"""Fixes that change one instruction of the Dockerfile.

In:  a ``BuiltStep``.
Out: ``Fix`` values that replace its lines.
"""

from __future__ import annotations

import re

from jettison.check.steps import BuiltStep
from jettison.check.subject import Subject
from jettison.findings.finding import Fix, FixKind


def text_of(subject: Subject, line: int, end_line: int) -> str:
    """Return lines of the Dockerfile, counted from 1, the last one included."""
    return "\n".join(subject.record.source.split("\n")[line - 1 : end_line])


def with_flags(subject: Subject, step: BuiltStep, *flags: str) -> tuple[Fix, ...]:
    """Return the fix that gives an instruction flags; none if it is not known how it is written."""
    if step.instruction is None or not flags:
        return ()
    line, last = step.record.line, step.record.end_line
    keyword = step.instruction.keyword
    text = text_of(subject, line, last)
    new = re.sub(
        rf"^(\s*{re.escape(keyword)})\s+", lambda match: f"{match[1]} {' '.join(flags)} ", text
    )
    return () if new == text else (Fix(FixKind.REPLACE, new, line, last),)


def replaced(subject: Subject, step: BuiltStep, pattern: str, by: str) -> tuple[Fix, ...]:
    """Return the fix that replaces the first match of a pattern in an instruction, if any."""
    line, last = step.record.line, step.record.end_line
    text = text_of(subject, line, last)
    new = re.sub(pattern, by, text, count=1)
    return () if new == text else (Fix(FixKind.REPLACE, new, line, last),)

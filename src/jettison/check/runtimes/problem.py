"""What a program lacks of its language's runtime."""

from __future__ import annotations

import re

import msgspec

from jettison.check.subject import Subject
from jettison.errors import Span
from jettison.findings.finding import Fix, FixKind, Severity


class Problem(msgspec.Struct, frozen=True):
    """One thing that is not as a program needs it; the fields are those of ``Finding``."""

    severity: Severity
    detail: str
    path: str
    cause: tuple[str, ...]
    fixes: tuple[Fix, ...]


def place_of(subject: Subject, path: str) -> Span | None:
    """Return the instruction that put a file of the image there."""
    copied = subject.copied(path)
    return copied.span if copied is not None else subject.span_of(path)


def behind(subject: Subject, path: str) -> int:
    """Return the line behind the instruction of the final stage that put a file there."""
    span = place_of(subject, path)
    if span is None or span.line <= subject.final.line:
        return subject.end
    return max(span.line, span.end_line)


def other_base(subject: Subject, old: str, new: str) -> tuple[Fix, ...]:
    """Return the FROM of the final stage with another version in its image's name.

    Args:
        subject: The image.
        old: Version in the name: ``17``.
        new: What is wanted.
    """
    stage = subject.final
    lines = subject.record.source.split("\n")
    if stage.parent >= 0 or not 0 < stage.line <= len(lines):
        return ()
    path, slash, name = stage.base_name.rpartition("/")
    changed = re.sub(rf"(?<![\d.]){re.escape(old)}(?![\d])(?:\.\d+)*", new, name, count=1)
    if changed == name:
        return ()
    text = lines[stage.line - 1].replace(stage.base_name, f"{path}{slash}{changed}", 1)
    if text == lines[stage.line - 1]:
        return ()
    return (Fix(FixKind.REPLACE, text, stage.line),)

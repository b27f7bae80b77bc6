"""What a report says for and against an image: findings, limits, what it is compared with.

In:  nothing.
Out: parts of ``report.model.Report``.
"""

from __future__ import annotations

import msgspec


class Fix(msgspec.Struct, frozen=True):
    """A change of the Dockerfile that ends a finding.

    Args:
        kind: ``insert`` the text after ``line``, ``replace`` or ``delete`` the lines from ``line``
            to ``end_line``, ``append`` it at the end, or ``advice``: words.
        text: The new lines, or the words.
        line: From 1; 0 is before the first.
        end_line: Inclusive; 0 is ``line``.
    """

    kind: str
    text: str = ""
    line: int = 0
    end_line: int = 0


class Finding(msgspec.Struct, frozen=True):
    """What a check of the image found.

    Args:
        id: Of the rule: ``MS304``.
        severity: ``error``, ``warning`` or ``note``.
        message: What is wrong, one sentence.
        line: Of the Dockerfile; None if no line is to blame.
        path: File of the image; None if it is about none.
        fix: What ends it; None if nothing simple does.
        stage: Name of the stage concerned; empty for none.
        cause: How that comes, line by line.
        end_line: Last line of the instruction.
    """

    id: str
    severity: str
    message: str
    line: int | None = None
    path: str | None = None
    fix: Fix | None = None
    stage: str = ""
    cause: tuple[str, ...] = ()
    end_line: int | None = None


class Cause(msgspec.Struct, frozen=True):
    """What a gate's value is made of: ``text`` with its line or path, and bytes if it has some."""

    text: str
    bytes: int | None = None


class Gate(msgspec.Struct, frozen=True):
    """A limit that was set.

    Args:
        name: As its flag: ``max-size``, ``max-growth``, ``max-wasted``, ``forbid``,
            ``require-user``, or a key of dive's file.
        limit: As it was written.
        value: What was found, as text.
        ok: Whether it is kept.
        source: Where it was set: ``--max-size``, ``jettison.toml``, ``.dive-ci``.
        causes: What to look at first if it is not, three at most.
    """

    name: str
    limit: str
    value: str
    ok: bool
    source: str
    causes: tuple[Cause, ...] = ()


class Budget(msgspec.Struct, frozen=True):
    """All limits: ``size`` is that of ``--max-size`` in bytes, None without one."""

    ok: bool
    size: int | None = None
    gates: tuple[Gate, ...] = ()


class Delta(msgspec.Struct, frozen=True):
    """This build minus the other one; None where one of them does not know."""

    shipped: int
    compressed: int | None
    wasted: int
    files: int
    packages: int
    layers: int


class Baseline(msgspec.Struct, frozen=True):
    """What this build is compared with.

    Args:
        ref: As users know it.
        id: Of its image.
        shipped: Its ``Image.shipped``.
        delta: This build minus that one.
        layers: Diff IDs of its layers.
    """

    ref: str
    id: str
    shipped: int
    delta: Delta
    layers: tuple[str, ...] = ()

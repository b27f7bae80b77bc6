"""What a report says for and against an image: findings, limits, what it is compared with.

In:  nothing.
Out: parts of ``report.model.Report``.
"""

from __future__ import annotations

import msgspec


class Fix(msgspec.Struct, frozen=True):
    """A change of the Dockerfile: ``kind`` is ``append``, ``replace`` or ``delete``."""

    kind: str
    text: str = ""


class Finding(msgspec.Struct, frozen=True):
    """What a check found: ``severity`` is ``error``, ``warning`` or ``info``."""

    id: str
    severity: str
    message: str
    line: int | None = None
    path: str | None = None
    fix: Fix | None = None


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

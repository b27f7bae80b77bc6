"""The disk is full: a file could not be written, `no space left on device`."""

from __future__ import annotations

from jettison.errors import Cause
from jettison.failure.base import Failure

_SIGNS = (
    ("no space left on device", r"(?i)no space left on device"),
    ("enough free space in", r"don't have enough free space in"),
    ("enospc", r"\bENOSPC\b"),
    ("disk quota exceeded", r"(?i)disk quota exceeded"),
    ("not enough space on the disk", r"(?i)not enough space on the disk"),
)


def explain(failure: Failure) -> Cause | None:
    """Return the cause if it is this one."""
    found = failure.log.find(*_SIGNS, last=80)
    if found is None or "file watchers" in found.string:
        return None
    free = failure.disk_free_bytes
    why = "" if free is None else f"the store's disk has {free // 10**6:,} MB free now"
    return Cause(
        "disk-full",
        "the disk is full: there was no space left to write to",
        why,
        "free some with `jettison prune`, or put the store elsewhere with `--root`",
    )

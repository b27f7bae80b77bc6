"""The step of the set-up that a process is in, for the report of an error.

In:  names of steps, as they begin. Out: the last one.
"""

from __future__ import annotations

MOUNT_ROOT = "mount the root file system"
"""A step that ``sandbox.select`` knows by its name."""

_step = ["start"]


def enter(name: str) -> None:
    """Say which step begins."""
    _step[0] = name


def current() -> str:
    """Return the step that was begun last."""
    return _step[0]

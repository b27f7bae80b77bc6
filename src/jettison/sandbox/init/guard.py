"""What the helper does to be safe, and the name of the step it is in.

In:  nothing. Out: the interpreter's file is read-only behind ``/proc/self/exe``.

Security: a process of a container can make the kernel start ``/proc/self/exe`` (as the
interpreter of a script), which is the helper's interpreter on the host, and could then write to
that file as root. Behind a read-only mount it cannot.
"""

from __future__ import annotations

import os
import sys

from jettison.linux.mount import bind, make_readonly, propagate_one_way
from jettison.linux.namespace import NEWNS, unshare

MOUNT_ROOT = "mount the root file system"
"""A step that ``sandbox.select`` knows by its name."""

_MARK = "protected"
_step = ["start"]


def enter(name: str) -> None:
    """Say which step begins, for the error report."""
    _step[0] = name


def step() -> str:
    """Return the step that was begun last."""
    return _step[0]


def protect_interpreter() -> None:
    """Start the same program again from a read-only mount of the interpreter, once."""
    if sys.argv[-1] == _MARK:
        return
    program = os.fsencode(os.readlink("/proc/self/exe"))
    try:
        unshare(NEWNS)
    except PermissionError:
        return  # no container can be made either, and clone(2) will say so to the builder
    propagate_one_way()
    bind(program, program, recursive=False)
    make_readonly(program, recursive=False)
    os.execv(program, [*sys.orig_argv, _MARK])  # noqa: S606

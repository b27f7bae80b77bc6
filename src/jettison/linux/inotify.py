"""Notices changes of what is in a directory.

In:  the path of a directory.
Out: a descriptor that becomes readable.

Source: inotify(7).
"""

from __future__ import annotations

import os
from pathlib import Path

from jettison.linux.syscall import raw

_MODIFY = 0x2
_MOVED_TO = 0x80
_CREATE = 0x100
_EVENTS = 1 << 16


def watch(directory: Path) -> int:
    """Return a descriptor that is readable when something in a directory was changed or made.

    Raises:
        OSError: the user has too many of them; the directory is gone.
    """
    descriptor = raw("inotify_init1", os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        raw("inotify_add_watch", descriptor, os.fsencode(directory), _MODIFY | _MOVED_TO | _CREATE)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def clear(descriptor: int) -> None:
    """Forget what was noticed so far."""
    try:
        while os.read(descriptor, _EVENTS):
            continue
    except BlockingIOError:
        return

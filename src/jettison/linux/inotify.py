"""Notices changes of what is in a directory, and what is opened in it.

In:  the path of a directory.
Out: a descriptor that becomes readable; events that were read from it.

Source: inotify(7).
"""

from __future__ import annotations

import os
import struct
from _collections_abc import Iterator  # the part of `collections` that is here already

from jettison.linux.syscall import raw

OPENED = 0x20
OVERFLOWED = 0x4000
IS_DIRECTORY = 0x40000000

_ONLY_DIRECTORIES = 0x01000000
_EVENT = struct.Struct("=iIII")
_MODIFY = 0x2
_MOVED_TO = 0x80
_CREATE = 0x100
_EVENTS = 1 << 16


def watch(directory: os.PathLike[str]) -> int:
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


def create() -> int:
    """Return a descriptor that nothing is watched by as yet.

    Raises:
        OSError: the user has too many of them.
    """
    return raw("inotify_init1", os.O_CLOEXEC | os.O_NONBLOCK)


def watch_opens(descriptor: int, directory: bytes) -> int:
    """Watch for opens of a directory and of what is in it; return the number of the watch.

    Raises:
        OSError: the user has too many of them; there is no directory.
    """
    return raw("inotify_add_watch", descriptor, directory, OPENED | _ONLY_DIRECTORIES)


def events(descriptor: int) -> Iterator[tuple[int, int, bytes]]:
    """Yield what was noticed so far: watch, kind, and name in the directory; empty for itself."""
    while True:
        try:
            data = os.read(descriptor, _EVENTS)
        except BlockingIOError:
            return
        at = 0
        while at < len(data):
            watch, mask, _, length = _EVENT.unpack_from(data, at)
            at += _EVENT.size
            yield watch, mask, data[at : at + length].rstrip(b"\0")
            at += length


def clear(descriptor: int) -> None:
    """Forget what was noticed so far."""
    try:
        while os.read(descriptor, _EVENTS):
            continue
    except BlockingIOError:
        return

"""Small files that somebody else chose, read without waiting for anybody.

In:  a path and a limit.
Out: the bytes; an error that says what is there instead of a file.

A pipe blocks whoever opens it, a device may never end, and some do things when they are opened.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

_OPEN = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_HANDED = ("/dev/fd/", "/proc/self/fd/", "/dev/stdin")
"""Paths of what the caller's shell has opened for us, as ``-f <(command)`` does."""

_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a directory",
}


def read_small(path: str | Path, limit: int) -> bytes | None:
    """Return the bytes of a file, whole.

    Args:
        path: It; links are followed.
        limit: Most bytes that it may have.

    Returns:
        None when there is nothing.

    Raises:
        OSError: it is no regular file, larger than the limit (EFBIG), or cannot be read; the text
            says so.
    """
    try:
        st = os.stat(path)
        handed = stat.S_ISFIFO(st.st_mode) and os.fspath(path).startswith(_HANDED)
        if not stat.S_ISREG(st.st_mode) and not handed:
            raise OSError(errno.EINVAL, f"is {kind(st.st_mode)}", os.fspath(path))
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC if handed else _OPEN)
    except (FileNotFoundError, NotADirectoryError):
        return None
    with open(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if stat.S_IFMT(found.st_mode) != stat.S_IFMT(st.st_mode):
            raise OSError(errno.EINVAL, f"is {kind(found.st_mode)}", os.fspath(path))
        data = file.read(limit + 1)
    if len(data) > limit:
        text = f"is larger than {limit >> 20} MiB"
        raise OSError(errno.EFBIG, text, os.fspath(path))
    return data


def kind(mode: int) -> str:
    """Return what a file that is not regular is, with its article."""
    return _KINDS.get(stat.S_IFMT(mode), "of an unknown type")

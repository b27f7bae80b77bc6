"""Copies the bytes of open files.

In:  two descriptors, or two open files.
Out: the same bytes, holes left as holes.

The kernel copies, and shares blocks where the file system can; only where it refuses do bytes
pass through this process.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import BinaryIO

from jettison.fs.atomic import beside
from jettison.fs.holes import data_regions, may_have_holes

_CHUNK_BYTES = 1 << 20
_NO_KERNEL_COPY = frozenset(
    {errno.EXDEV, errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS, errno.EPERM}
)


class ByteCopier:
    """Copies files; remembers what the kernel refused."""

    def __init__(self) -> None:
        self._kernel_copies = True

    def copy(self, origin: int, target: int, st: os.stat_result) -> None:
        """Copy a regular file to an empty one.

        Args:
            origin: Descriptor to read from, its position does not matter.
            target: Descriptor to write to, at position 0.
            st: Of the origin.
        """
        size = st.st_size
        if may_have_holes(st):
            _copy_sparse(origin, target, size)
            return
        done = 0
        while self._kernel_copies and done < size:
            try:
                copied = os.copy_file_range(origin, target, size - done, done, done)
            except OSError as error:
                if done or error.errno not in _NO_KERNEL_COPY:
                    raise
                self._kernel_copies = False
                break
            if not copied:
                break
            done += copied
        if done < size:
            _copy_range(origin, target, done, size)


def copy_rest(source: BinaryIO, target: BinaryIO) -> None:
    """Copy the rest of a file; inside the kernel where it can."""
    try:
        read, write = source.fileno(), target.fileno()
        target.flush()
        while os.sendfile(write, read, None, 1 << 30):
            pass
    except (OSError, ValueError, AttributeError):
        # Nothing but the position of the source says how far the kernel came.
        while data := source.read(_CHUNK_BYTES):
            target.write(data)


def copy_bytes(source: BinaryIO, target: BinaryIO, count: int) -> int:
    """Copy so many bytes of a file, or as many as it has; return how many.

    The kernel copies where it can.
    """
    left = count
    try:
        read, write = source.fileno(), target.fileno()
        target.flush()
        while left and (sent := os.sendfile(write, read, None, min(left, 1 << 30))):
            left -= sent
    except (OSError, ValueError, AttributeError):
        # Nothing but the position of the source says how far the kernel came.
        left = count - source.tell()
        while left and (data := source.read(min(left, _CHUNK_BYTES))):
            target.write(data)
            left -= len(data)
    return count - left


def copy_atomically(source: Path, path: Path) -> None:
    """Copy a file; it gets its name when it is whole.

    Raises:
        OSError: it cannot be read or written; nothing changed.
    """
    temporary = beside(path)
    try:
        with source.open("rb") as read, temporary.open("xb") as written:
            copy_rest(read, written)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _copy_sparse(origin: int, target: int, size: int) -> None:
    """Copy the data of a file with holes, and leave the holes."""
    for start, end in data_regions(origin, size):
        _copy_range(origin, target, start, end)
    os.ftruncate(target, size)


def _copy_range(origin: int, target: int, start: int, end: int) -> None:
    os.lseek(target, start, os.SEEK_SET)
    while start < end:
        try:
            sent = os.sendfile(target, origin, start, end - start)
        except OSError as error:
            if error.errno not in _NO_KERNEL_COPY:
                raise
            break
        if not sent:
            return  # it became shorter, as its stat result shows
        start += sent
    while start < end:
        data = os.pread(origin, min(_CHUNK_BYTES, end - start), start)
        if not data:
            break  # it became shorter, as its stat result shows
        write_all(target, data, start)
        start += len(data)


def write_all(target: int, data: bytes, position: int = 0) -> None:
    """Write all bytes at a position of a file."""
    view = memoryview(data)
    while view:
        written = os.pwrite(target, view, position)
        view = view[written:]
        position += written

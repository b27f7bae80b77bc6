"""Files with holes: read without reading them, and bounded.

In:  an open regular file and its stat result.
Out: its bytes in pieces, of which those of holes cost nothing; its regions of data.

A hole costs nobody anything to make, and everybody who reads it the time of all its zeros: a digest
of them, a tar of them. So what a layer or a context may hold is bounded.

Source: lseek(2), ``SEEK_DATA`` and ``SEEK_HOLE``.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator

from jettison.errors import ContentError

MAX_HOLE_BYTES = 64 << 30
"""Of one file; sha256 of them takes about a minute."""

MAX_FILE_BYTES = 1 << 40
"""Of one file, and of all of a layer; ``layer.limits`` refuses more when it unpacks."""

_HINT = "make the file where it is used; `.dockerignore` leaves files out of a context"
_BLOCK = 512  # of st_blocks, whatever the file system has
_ZEROS = bytes(1 << 20)


def may_have_holes(st: os.stat_result) -> bool:
    """Tell whether a file takes less room than it is long; it may be compressed, too."""
    return st.st_blocks * _BLOCK < st.st_size


def data_regions(descriptor: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield begin and end of each region of data up to a size; nothing else is in the file."""
    position = 0
    while position < size:
        try:
            start = os.lseek(descriptor, position, os.SEEK_DATA)
            position = os.lseek(descriptor, start, os.SEEK_HOLE)
        except OSError as error:
            if error.errno == errno.ENXIO:  # only a hole is left
                return
            raise
        if start >= size:
            return
        yield start, min(position, size)


def pieces(descriptor: int, size: int, amount: int) -> Iterator[bytes]:
    """Yield the bytes of a file in pieces; a file that became shorter ends early.

    Args:
        descriptor: The file; its position is changed.
        size: How long it is.
        amount: Most bytes of a piece.
    """
    done = 0
    for start, end in data_regions(descriptor, size):
        yield from _zeros(start - done, amount)
        done = start
        while done < end:
            data = os.pread(descriptor, min(amount, end - done), done)
            if not data:
                return
            yield data
            done += len(data)
    yield from _zeros(min(size, os.fstat(descriptor).st_size) - done, amount)


def check_size(descriptor: int, st: os.stat_result, shown: str) -> None:
    """Check that a file can be read in a time that somebody waits for.

    Args:
        descriptor: It.
        st: Its own.
        shown: What it is called in the message.

    Raises:
        ContentError: it is too long, or has too many holes.
    """
    if st.st_size > MAX_FILE_BYTES:
        raise ContentError(
            f"`{shown}` is {_readable(st.st_size)} long;"
            f" files of up to {_readable(MAX_FILE_BYTES)} can be in an image",
            hint=_HINT,
        )
    if st.st_size - st.st_blocks * _BLOCK <= MAX_HOLE_BYTES:
        return
    data = sum(end - start for start, end in data_regions(descriptor, st.st_size))
    if st.st_size - data > MAX_HOLE_BYTES:
        raise ContentError(
            f"`{shown}` has holes of {_readable(st.st_size - data)}, which an image holds as"
            f" zeros; up to {_readable(MAX_HOLE_BYTES)} are allowed",
            hint=_HINT,
        )


def _zeros(count: int, amount: int) -> Iterator[bytes]:
    amount = min(amount, len(_ZEROS))
    whole = _ZEROS[:amount]
    while count >= amount:
        yield whole
        count -= amount
    if count > 0:
        yield _ZEROS[:count]


def _readable(count: int) -> str:
    for shift, unit in ((60, "EiB"), (50, "PiB"), (40, "TiB"), (30, "GiB")):
        if count >> shift:
            return f"{count / (1 << shift):.3g} {unit}"
    return f"{count} bytes"

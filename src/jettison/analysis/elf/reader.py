"""Bounded reads of one file, few of them.

In:  a descriptor.
Out: bytes at offsets.
"""

from __future__ import annotations

import os

HEAD = 16 << 10
"""So much is read at first: headers, notes and names of most files are in it."""
_WINDOW = 16 << 10
_MAX_READS = 2048
_MAX_BYTES = 64 << 20


class MalformedElfError(Exception):
    """The file is not what it says it is. The text says why, for ``Elf.fault``."""


class Reader:
    """Reads at offsets; what was read last is kept, and the head for good.

    Args:
        descriptor: Of a regular file.
        head: Its first bytes: ``HEAD`` of them, fewer when there are no more.
    """

    def __init__(self, descriptor: int, head: bytes) -> None:
        self.head = head
        self._descriptor = descriptor
        self._start = 0
        self._window = head
        self._reads = 0
        self._bytes = 0

    def at(self, offset: int, length: int) -> bytes:
        """Return bytes of the file.

        Raises:
            MalformedElfError: they are not there, or too much of the file was read already.
        """
        data = self.up_to(offset, length)
        if len(data) < length:
            raise MalformedElfError("it ends too early")
        return data

    def up_to(self, offset: int, length: int) -> bytes:
        """Return bytes of the file, fewer at its end.

        Raises:
            MalformedElfError: too much of the file was read already.
        """
        end = offset + length
        if end <= len(self.head):
            return self.head[offset:end]
        start = offset - self._start
        if start >= 0 and start + length <= len(self._window):
            return self._window[start : start + length]
        if offset >= 1 << 62:
            raise MalformedElfError("it ends too early")
        wanted = max(length, _WINDOW)
        self._reads += 1
        self._bytes += wanted
        if self._reads > _MAX_READS or self._bytes > _MAX_BYTES:
            raise MalformedElfError("it is too scattered")
        try:
            self._window = os.pread(self._descriptor, wanted, offset)
        except OSError as error:
            raise MalformedElfError(f"it cannot be read: {error.strerror}") from None
        self._start = offset
        return self._window[:length]

"""``Packages``: a hash of Berkeley DB, which RPM wrote until 4.15.

In:  an open database.
Out: headers.

Every page says what it is. One of a hash holds keys and values by turns, whose places are in a
table behind its head; a value that is larger than a page is in a chain of overflow pages.

Source: Berkeley DB 5.3, ``dbinc/db_page.h``: DBMETA, PAGE, HKEYDATA, HOFFPAGE.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

from jettison.analysis.packages.rpm.header import MAX_HEADER

_HASH = 0x061561
_META_SIZE = 512
_HEAD = 26
_HASH_UNSORTED, _OVERFLOW, _HASH_META, _HASH_SORTED = 2, 7, 8, 13
_INLINE, _OFF_PAGE = 1, 3
_SIZES = frozenset(1 << power for power in range(9, 17))
_SMALLEST = 16


def bdb_headers(file: BinaryIO) -> Iterator[bytes]:
    """Yield the headers of a database.

    Raises:
        ValueError: it is none, or damaged.
        OSError: it cannot be read.
    """
    meta = file.read(_META_SIZE)
    if len(meta) < _META_SIZE:
        raise ValueError("it ends too early")
    order = "<" if struct.unpack_from("<I", meta, 12)[0] == _HASH else ">"
    magic, _version, size = struct.unpack_from(f"{order}III", meta, 12)
    encryption, kind = meta[24], meta[25]
    if magic != _HASH or kind != _HASH_META or size not in _SIZES:
        raise ValueError("it is no hash of Berkeley DB")
    if encryption:
        raise ValueError("it is encrypted")
    (last,) = struct.unpack_from(f"{order}I", meta, 32)
    yield from _Pages(file, order, size, last).values()


class _Pages:
    """The pages of a database.

    Args:
        file: It.
        order: Of bytes in numbers, as ``struct`` writes it.
        size: Of a page.
        last: Number of the last page.
    """

    def __init__(self, file: BinaryIO, order: str, size: int, last: int) -> None:
        self._file = file
        self._size = size
        self._last = last
        self._head = struct.Struct(f"{order}8xIIIHHBB")
        self._places = f"{order}%dH"
        self._long = struct.Struct(f"{order}4xII")

    def values(self) -> Iterator[bytes]:
        """Yield the values of all pages of the hash."""
        for number in range(1, self._last + 1):
            page = self._page(number)
            if len(page) < self._size:
                return
            _, _, _, count, _, _, kind = self._head.unpack_from(page)
            if kind not in {_HASH_UNSORTED, _HASH_SORTED}:
                continue
            if _HEAD + 2 * count > self._size:
                raise ValueError("a page is damaged")
            places = struct.unpack_from(self._places % count, page, _HEAD)
            for index in range(1, count, 2):
                value = self._value(page, places[index], places[index - 1])
                if len(value) >= _SMALLEST:
                    yield value

    def _value(self, page: bytes, place: int, end: int) -> bytes:
        """Return the value at a place; items are put before each other from the end of a page."""
        if not _HEAD <= place < end <= self._size:
            raise ValueError("a page is damaged")
        kind = page[place]
        if kind == _INLINE:
            return page[place + 1 : end]
        if kind != _OFF_PAGE or place + 12 > self._size:
            return b""
        first, length = self._long.unpack_from(page, place)
        return self._chain(first, length) if length <= MAX_HEADER else b""

    def _chain(self, number: int, length: int) -> bytes:
        """Return what a chain of pages holds; each gives at least a byte."""
        found = bytearray()
        while number and len(found) < length:
            page = self._page(number)
            if len(page) < self._size:
                raise ValueError("it ends too early")
            _, _, following, _, used, _, kind = self._head.unpack_from(page)
            if kind != _OVERFLOW or not 0 < used <= self._size - _HEAD:
                raise ValueError("a page is damaged")
            found += page[_HEAD : _HEAD + used]
            number = following
        return bytes(found[:length])

    def _page(self, number: int) -> bytes:
        self._file.seek(number * self._size)
        return self._file.read(self._size)

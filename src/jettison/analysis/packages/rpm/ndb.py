"""``Packages.db``: RPM's own form (NDB), which SUSE uses.

In:  an open database.
Out: headers.

A page of 4096 bytes has 256 slots; a slot says in which blocks of 16 bytes a package is. The first
two slots of the first page are the header of the file. All numbers are little-endian.

Source: RPM, ``lib/backend/ndb/rpmpkg.c``.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

from jettison.analysis.packages.rpm.header import MAX_HEADER

_PAGE, _BLOCK = 4096, 16
_MAX_PAGES = 4096
_WORDS = struct.Struct("<IIII")
_FILE, _SLOT, _BLOB = 0x506D7052, 0x746F6C53, 0x53626C42
"""The magic numbers ``RpmP``, ``Slot`` and ``BlbS``."""
_VERSION = 0


def ndb_headers(file: BinaryIO) -> Iterator[bytes]:
    """Yield the headers of a database.

    Raises:
        ValueError: it is none.
        OSError: it cannot be read.
    """
    head = file.read(_PAGE)
    if len(head) < _PAGE:
        raise ValueError("it ends too early")
    magic, version, _generation, pages = _WORDS.unpack_from(head)
    if magic != _FILE or version != _VERSION or not 0 < pages <= _MAX_PAGES:
        raise ValueError("it is no NDB database of RPM")
    slots = (head + file.read(_PAGE * (pages - 1)))[2 * _BLOCK :]
    for place in range(0, len(slots) - _BLOCK + 1, _BLOCK):
        magic, package, block, _blocks = _WORDS.unpack_from(slots, place)
        if magic != _SLOT:
            raise ValueError("a slot is damaged")
        if package and block:
            yield _blob(file, package, block * _BLOCK)


def _blob(file: BinaryIO, package: int, offset: int) -> bytes:
    file.seek(offset)
    head = file.read(_WORDS.size)
    if len(head) < _WORDS.size:
        raise ValueError("it ends too early")
    magic, number, _generation, size = _WORDS.unpack(head)
    if magic != _BLOB or number != package or size > MAX_HEADER:
        raise ValueError("a package is damaged")
    return file.read(size)

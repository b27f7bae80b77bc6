"""``ld.so.cache``: where ``ldconfig`` found the libraries of each name.

In:  its bytes, in the form since glibc 2.2, alone or behind the form before it.
Out: names to paths.

Source: glibc, ``dl-cache.h``.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

_OLD, _OLD_HEADER, _OLD_ENTRY = b"ld.so-1.7.0\0", 16, 12
_MAGIC = b"glibc-ld.so.cache1.1"
_HEADER, _ENTRY = 48, struct.Struct("<IIIIQ")
_BIG_ENTRY = struct.Struct(">IIIIQ")
_BIG_ENDIAN = 3
_MAX_ENTRIES = 200_000
_MAX_TEXT = 4096
MAX_BYTES = 32 << 20

_TYPE_MASK, _LIBC6 = 0x00FF, 0x0003
_FLAGS = {
    ("amd64", 64): 0x0300,
    ("386", 32): 0x0000,
    ("arm64", 64): 0x0A00,
    ("s390x", 64): 0x0400,
    ("ppc64le", 64): 0x0500,
    ("ppc64", 64): 0x0500,
    ("riscv64", 64): 0x1000,
    ("loong64", 64): 0x1200,
}
"""Architecture and bits to the flags of entries for them; others' entries are all taken."""


class Entry(NamedTuple):
    """Where a library is.

    Args:
        path: Of the file.
        flags: Of what architecture it is.
    """

    path: str
    flags: int


Cache = dict[str, tuple[Entry, ...]]


def read_cache(data: bytes) -> Cache:
    """Return the entries of a cache by name; none if it is of another form, or damaged."""
    start = 0
    if data.startswith(_OLD) and len(data) >= _OLD_HEADER:
        (count,) = struct.unpack_from("<I", data, 12)
        start = _OLD_HEADER + count * _OLD_ENTRY
        start += -start % 8
    if data[start : start + len(_MAGIC)] != _MAGIC or len(data) < start + _HEADER:
        return {}
    is_big = data[start + 28] & 3 == _BIG_ENDIAN
    entry = _BIG_ENTRY if is_big else _ENTRY
    (count,) = struct.unpack_from(">I" if is_big else "<I", data, start + 20)
    table = data[start + _HEADER :][: min(count, _MAX_ENTRIES) * entry.size]
    found: dict[str, list[Entry]] = {}
    for flags, key, value, _, _ in entry.iter_unpack(table[: len(table) - len(table) % 24]):
        name, path = _text(data, start + key), _text(data, start + value)
        if name and path:
            found.setdefault(name, []).append(Entry(path, flags))
    return {name: tuple(entries) for name, entries in found.items()}


def is_for(entry: Entry, architecture: str, bits: int) -> bool:
    """Tell whether an entry is one for an architecture."""
    wanted = _FLAGS.get((architecture, bits))
    return wanted is None or (
        entry.flags & _TYPE_MASK == _LIBC6 and entry.flags & ~_TYPE_MASK & 0xFFFF == wanted
    )


def _text(data: bytes, start: int) -> str:
    end = data.find(b"\0", start, start + _MAX_TEXT)
    return data[start:end].decode("utf-8", "backslashreplace") if end >= 0 else ""

"""Dynamic symbols of libraries: what one needs of glibc, what musl defines.

In:  bytes of 64-bit ELF files.
Out: names of symbols.

musl's loader takes ``libc.so.6`` and its companions for itself, does not look at versions, and
binds all symbols at once: a library for glibc is loaded if musl has all that it needs of glibc.

Source: System V gABI, chapter 4, "Symbol Table"; the Linux Standard Base, "Symbol Versioning".
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

MAX_LIBRARY = 16 << 20
_DYNSYM, _VERSYM, _VERNEED = 11, 0x6FFF_FFFF, 0x6FFF_FFFE
_MAX_SECTIONS = 1024
_WEAK = 2
_HIDDEN = 0x8000


def glibc_symbols(data: bytes) -> frozenset[str] | None:
    """Return the symbols that a library needs of glibc, weak ones left out.

    Returns:
        None if that cannot be known.
    """
    try:
        sections = _sections(data)
        by_kind = {kind: (offset, size, link) for kind, offset, size, link in sections}
        versions = dict(_versions(data, sections, by_kind[_VERNEED]))
        offset, size, _ = by_kind[_VERSYM]
        numbers = struct.unpack_from(f"<{size // 2}H", data, offset)
        return frozenset(
            name
            for number, (name, info, section) in zip(
                numbers, _symbols(data, sections), strict=False
            )
            if not section
            and info >> 4 != _WEAK
            and versions.get(number & ~_HIDDEN, "").startswith("GLIBC_")
        )
    except (struct.error, KeyError, IndexError, ValueError, OverflowError):
        return None


def defined_symbols(data: bytes) -> frozenset[str] | None:
    """Return the symbols that a library defines, None if that cannot be known."""
    try:
        found = frozenset(name for name, _, section in _symbols(data, _sections(data)) if section)
    except (struct.error, IndexError, ValueError, OverflowError):
        return None
    return found or None


_Section = tuple[int, int, int, int]


def _sections(data: bytes) -> list[_Section]:
    """Return kind, offset, size and link of each section."""
    if data[:6] != b"\x7fELF\x02\x01":
        raise ValueError
    (at,) = struct.unpack_from("<Q", data, 40)
    size, count = struct.unpack_from("<HH", data, 58)
    if size != 64 or count > _MAX_SECTIONS:
        raise ValueError
    rows = (struct.unpack_from("<IIQQQQIIQQ", data, at + 64 * number) for number in range(count))
    return [(row[1], row[4], row[5], row[6]) for row in rows]


def _symbols(data: bytes, sections: list[_Section]) -> Iterator[tuple[str, int, int]]:
    """Yield name, info and section of each dynamic symbol; the section is 0 where it is needed."""
    for kind, offset, size, link in sections:
        if kind == _DYNSYM:
            names = sections[link][1]
            table = data[offset : offset + size - size % 24]
            for name, info, _, section, _, _ in struct.iter_unpack("<IBBHQQ", table):
                yield _text(data, names + name), info, section


def _versions(
    data: bytes, sections: list[_Section], place: tuple[int, int, int]
) -> Iterator[tuple[int, str]]:
    """Yield numbers and names of the versions that are needed."""
    at, size, link = place
    end, names = at + size, sections[link][1]
    while at < end:
        _, count, _, more, following = struct.unpack_from("<HHIII", data, at)
        other = at + more
        for _ in range(min(count, size // 16)):
            _, _, number, name, step = struct.unpack_from("<IHHII", data, other)
            yield number, _text(data, names + name)
            other += step
        if not following:
            return
        at += following


def _text(data: bytes, at: int) -> str:
    end = data.index(b"\0", at, at + 4096)
    return data[at:end].decode("utf-8", "replace")

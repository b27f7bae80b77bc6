"""Program headers: which part of a file is at which address.

In:  a reader, the place of the table.
Out: ``Layout``: offsets of addresses, strings of the string table.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import NamedTuple

from jettison.analysis.elf.reader import MalformedElfError, Reader

_PT_LOAD = 1
_WRITE, _EXECUTE = 2, 1
_WHOLE_STRINGS = 256 << 10
_MAX_STRING = 4096


class Segment(NamedTuple):
    """A program header; sizes and offsets in bytes."""

    kind: int
    flags: int
    offset: int
    address: int
    file_size: int
    alignment: int


class Layout:
    """The file as a loader maps it.

    Args:
        reader: Of the file.
        bits: 32 or 64.
        is_big: Whether numbers are big-endian.
    """

    def __init__(self, reader: Reader, bits: int, is_big: bool) -> None:
        self.reader = reader
        self.bits = bits
        self.order = order = ">" if is_big else "<"
        self.segment = struct.Struct(order + ("IIQQQQQQ" if bits == 64 else "IIIIIIII"))
        self.pair = struct.Struct(order + ("QQ" if bits == 64 else "II"))
        self.segments: list[Segment] = []

    def read(self, offset: int, count: int) -> list[Segment]:
        """Read the table of program headers."""
        data = self.reader.at(offset, count * self.segment.size)
        for row in self.segment.iter_unpack(data):
            if self.bits == 64:
                kind, flags, start, address, _physical, size, _memory, alignment = row
            else:
                kind, start, address, _physical, size, _memory, flags, alignment = row
            self.segments.append(Segment(kind, flags, start, address, size, alignment))
        return self.segments

    def offset(self, address: int) -> int:
        """Return where in the file the byte of an address is.

        Raises:
            MalformedElfError: in no part of it.
        """
        for each in self.segments:
            if each.kind == _PT_LOAD and 0 <= address - each.address < each.file_size:
                return each.offset + address - each.address
        raise MalformedElfError("an address is in no part of the file")

    @property
    def data(self) -> Segment | None:
        """The first segment that is loaded for writing."""
        for each in self.segments:
            if each.kind == _PT_LOAD and each.flags & (_WRITE | _EXECUTE) == _WRITE:
                return each
        return None

    def strings(self, address: int, size: int) -> Callable[[int], str]:
        """Return a function from an index in the string table at an address to the string."""
        start = self.offset(address)
        table = self.reader.up_to(start, size) if size <= _WHOLE_STRINGS else None

        def text(index: int) -> str:
            if index >= size:
                raise MalformedElfError("a name is outside of its table")
            if table is None:
                data = self.reader.up_to(start + index, min(_MAX_STRING, size - index))
                end = data.find(b"\0")
            else:
                data, end = table, table.find(b"\0", index, index + _MAX_STRING)
            if end < 0:
                raise MalformedElfError("a name has no end")
            name = data[index if table is not None else 0 : end]
            return name.decode("utf-8", "backslashreplace")

        return text

"""Notes of an ELF file: build ID, C library's ABI, properties, the package it is of.

In:  a note segment.
Out: fields of ``Elf``.

Source: gABI, "Note Section"; Linux gABI extension for properties; "Package Metadata for
Executable Files" of the UAPI group.
"""

from __future__ import annotations

import struct
from typing import Any

import msgspec

from jettison.analysis.elf.model import PackageNote
from jettison.analysis.elf.reader import MalformedElfError, Reader
from jettison.analysis.elf.segments import Layout, Segment

_MAX_SEGMENT = 64 << 10
_MAX_BUILD_ID = 64
_ABI, _BUILD_ID, _PROPERTIES = 1, 3, 5
_PACKAGE = 0xCAFE_1A7E
_ISA_NEEDED = 0xC000_8002


def read_notes(reader: Reader, segment: Segment, layout: Layout, found: dict[str, Any]) -> None:
    """Add what the notes of a segment say; what cannot be read of them is left out.

    Loaders go on without notes, so that wrong ones are no fault of the file.
    """
    try:
        data = reader.up_to(segment.offset, min(segment.file_size, _MAX_SEGMENT))
    except MalformedElfError:
        return
    head = struct.Struct(layout.order + "III")
    alignment = 8 if segment.alignment == 8 else 4
    place = 0
    while place + head.size <= len(data):
        name_size, size, kind = head.unpack_from(data, place)
        name_at = place + head.size
        start = _aligned(name_at + name_size, alignment)
        if start + size > len(data):
            return
        owner = data[name_at : name_at + name_size].rstrip(b"\0")
        _take(owner, kind, data[start : start + size], layout, found)
        place = _aligned(start + size, alignment)


def _take(owner: bytes, kind: int, data: bytes, layout: Layout, found: dict[str, Any]) -> None:
    if owner == b"GNU" and kind == _BUILD_ID:
        found["build_id"] = data[:_MAX_BUILD_ID].hex()
    elif owner == b"GNU" and kind == _ABI and len(data) >= 16:
        system, *kernel = struct.unpack_from(layout.order + "IIII", data)
        if system == 0:
            found["kernel"] = tuple(kernel)
    elif owner == b"GNU" and kind == _PROPERTIES:
        found["isa"] = found.get("isa", 0) | _isa(data, layout)
    elif owner == b"FDO" and kind == _PACKAGE:
        try:
            found["package"] = msgspec.json.decode(data.rstrip(b"\0"), type=PackageNote)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return


def _isa(data: bytes, layout: Layout) -> int:
    alignment, place = layout.bits // 8, 0
    while place + 8 <= len(data):
        kind, size = struct.unpack_from(layout.order + "II", data, place)
        if kind == _ISA_NEEDED and size == 4 and place + 12 <= len(data):
            return int(struct.unpack_from(layout.order + "I", data, place + 8)[0])
        place = _aligned(place + 8 + size, alignment)
    return 0


def _aligned(offset: int, alignment: int) -> int:
    return offset + -offset % alignment

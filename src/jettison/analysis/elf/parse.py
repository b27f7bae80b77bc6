"""Read an ELF file by its program headers, as loaders do.

In:  a descriptor.
Out: ``Elf``, None for any other file.

Section headers are looked at only for what no program header leads to: build information, audit
data, sizes of symbol tables. Loaders do not read them, and files may lack them.

Source: System V gABI; ``elf.h`` of glibc for the tags.
"""

from __future__ import annotations

import os
import struct
from typing import Any

from jettison.analysis.elf.model import DYN, EXEC, Elf
from jettison.analysis.elf.notes import read_notes
from jettison.analysis.elf.reader import HEAD, MalformedElfError, Reader
from jettison.analysis.elf.sections import read_sections
from jettison.analysis.elf.segments import Layout, Segment
from jettison.analysis.elf.versions import defined_versions, needed_versions

MAGIC = b"\x7fELF"
_PT_LOAD, _PT_DYNAMIC, _PT_INTERP, _PT_NOTE = 1, 2, 3, 4
_DT_NEEDED, _DT_STRTAB, _DT_STRSZ, _DT_SONAME, _DT_RPATH, _DT_RUNPATH = 1, 5, 10, 14, 15, 29
_DT_FLAGS, _DT_FLAGS_1 = 30, 0x6FFF_FFFB
_DT_VERDEF, _DT_VERDEFNUM, _DT_VERNEED, _DT_VERNEEDNUM = (
    0x6FFF_FFFC,
    0x6FFF_FFFD,
    0x6FFF_FFFE,
    0x6FFF_FFFF,
)
_MAX_SEGMENTS = 256
_MAX_DYNAMIC = 64 << 10
_MAX_INTERP = 4096
_MAX_NEEDED = 4096
_HEADERS = {
    (1, 1): struct.Struct("<HHIIIIIHHHHHH"),
    (1, 2): struct.Struct(">HHIIIIIHHHHHH"),
    (2, 1): struct.Struct("<HHIQQQIHHHHHH"),
    (2, 2): struct.Struct(">HHIQQQIHHHHHH"),
}


def parse(descriptor: int, head: bytes | None = None) -> Elf | None:
    """Return what an ELF file says; None if it is none.

    Args:
        descriptor: Of a regular file; its position is left alone.
        head: The first ``reader.HEAD`` bytes, where they were read already.
    """
    if head is None:
        try:
            head = os.pread(descriptor, HEAD, 0)
        except OSError:
            return None
    if not head.startswith(MAGIC):
        return None
    header = _HEADERS.get((head[4], head[5])) if len(head) > 16 else None
    if header is None:
        return Elf(bits=0, fault="its class or byte order is unknown")
    found: dict[str, Any] = {"bits": 32 * head[4], "is_big": head[5] == 2, "os_abi": head[7]}
    try:
        _read(Reader(descriptor, head), header, found)
    except MalformedElfError as error:
        found["fault"] = str(error)
    return Elf(**found)


def _read(reader: Reader, header: struct.Struct, found: dict[str, Any]) -> None:
    row = header.unpack(reader.at(16, header.size))
    kind, machine, _version, entry, segments_at, sections_at, _flags, _size = row[:8]
    segment_size, segment_count, section_size, section_count, names_at = row[8:]
    found.update(kind=kind, machine=machine, entry=entry)
    if kind not in {EXEC, DYN}:
        return
    layout = Layout(reader, 64 if header.size == 48 else 32, found["is_big"])
    if segment_count > _MAX_SEGMENTS or (segment_count and segment_size != layout.segment.size):
        raise MalformedElfError("its program headers are of an unknown form")
    for segment in layout.read(segments_at, segment_count):
        if segment.kind == _PT_INTERP:
            found["interp"] = _interp(reader, segment)
        elif segment.kind == _PT_NOTE:
            read_notes(reader, segment, layout, found)
    for segment in layout.segments:
        if segment.kind == _PT_DYNAMIC:
            found["is_dynamic"] = True
            _read_dynamic(layout, segment, found)
            break
    read_sections(layout, sections_at, section_size, section_count, names_at, found)


def _interp(reader: Reader, segment: Segment) -> str:
    if segment.file_size > _MAX_INTERP:
        raise MalformedElfError("the path of its interpreter is too long")
    data = reader.at(segment.offset, segment.file_size)
    return data.partition(b"\0")[0].decode("utf-8", "backslashreplace")


def _read_dynamic(layout: Layout, segment: Segment, found: dict[str, Any]) -> None:
    pair = layout.pair
    size = min(segment.file_size, _MAX_DYNAMIC)
    data = layout.reader.up_to(segment.offset, size - size % pair.size)
    needed: list[int] = []
    values: dict[int, int] = {}
    for tag, value in pair.iter_unpack(data[: len(data) - len(data) % pair.size]):
        if tag == 0:
            break
        if tag == _DT_NEEDED:
            needed.append(value)
        else:
            values[tag] = value
    found["flags"] = values.get(_DT_FLAGS, 0)
    found["flags_1"] = values.get(_DT_FLAGS_1, 0)
    if len(needed) > _MAX_NEEDED:
        raise MalformedElfError("it needs too many libraries")
    if _DT_STRTAB not in values:
        return
    text = layout.strings(values[_DT_STRTAB], values.get(_DT_STRSZ, 0))
    found["needed"] = tuple(map(text, needed))
    for field, tag in (("soname", _DT_SONAME), ("rpath", _DT_RPATH), ("runpath", _DT_RUNPATH)):
        if tag in values:
            found[field] = text(values[tag])
    if _DT_VERNEED in values:
        count = values.get(_DT_VERNEEDNUM, 0)
        found["needs"], found["weak_needs"] = needed_versions(
            layout, layout.offset(values[_DT_VERNEED]), count, text
        )
    if _DT_VERDEF in values:
        count = values.get(_DT_VERDEFNUM, 0)
        found["has_versions"] = True
        found["defines"] = defined_versions(layout, layout.offset(values[_DT_VERDEF]), count, text)

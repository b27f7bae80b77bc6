"""Section headers, for what no program header leads to.

In:  the layout of a file, the place of the table.
Out: fields of ``Elf``: sizes of symbol tables and debug information, modules that it was made of.

Source: System V gABI, "Sections"; cargo-auditable for ``.dep-v0``.
"""

from __future__ import annotations

import struct
from typing import Any

from jettison.analysis.elf.modules import GO_MAGIC, go_info, rust_crates
from jettison.analysis.elf.reader import MalformedElfError
from jettison.analysis.elf.segments import Layout

_MAX_SECTIONS = 4096
_MAX_NAMES = 1 << 20
_MAX_AUDIT = 4 << 20
_SHT_NOBITS = 8
_WANTED = (b".go.buildinfo", b".dep-v0", b".symtab", b".debug_", b".zdebug_")
_DATA_SEARCH = 1 << 20


def read_sections(
    layout: Layout, offset: int, size: int, count: int, names_at: int, found: dict[str, Any]
) -> None:
    """Add what sections say.

    Files run without them, so that wrong ones are no fault; a Go program without any is known by
    the begin of its data.
    """
    row = struct.Struct(layout.order + ("IIQQQQIIQQ" if layout.bits == 64 else "IIIIIIIIII"))
    if not offset or not 0 < count <= _MAX_SECTIONS or size != row.size or names_at >= count:
        _search_go(layout, found)
        return
    try:
        rows = list(row.iter_unpack(layout.reader.at(offset, size * count)))
        names = layout.reader.at(rows[names_at][4], min(rows[names_at][5], _MAX_NAMES))
        if any(each in names for each in _WANTED):
            _read(layout, rows, names, found)
    except MalformedElfError:
        return


def _read(layout: Layout, rows: list[Any], names: bytes, found: dict[str, Any]) -> None:
    symbols = debug = 0
    for name_at, kind, _flags, _address, offset, size, *_ in rows:
        if kind == _SHT_NOBITS:
            continue
        name = names[name_at : names.find(b"\0", name_at)]
        if name == b".symtab":
            symbols += size
        elif name.startswith((b".debug_", b".zdebug_")):
            debug += size
        elif name == b".go.buildinfo":
            found["go"] = go_info(layout, offset)
        elif name == b".dep-v0" and size <= _MAX_AUDIT:
            found["crates"] = rust_crates(layout.reader.at(offset, size))
    found.update(symbols=symbols, debug=debug)


def _search_go(layout: Layout, found: dict[str, Any]) -> None:
    data = layout.data
    if data is None:
        return
    try:
        begin = layout.reader.up_to(data.offset, min(data.file_size, _DATA_SEARCH))
        place = begin.find(GO_MAGIC)
        while place >= 0 and place % 16:
            place = begin.find(GO_MAGIC, place + 1)
        if place >= 0:
            found["go"] = go_info(layout, data.offset + place)
    except MalformedElfError:
        return

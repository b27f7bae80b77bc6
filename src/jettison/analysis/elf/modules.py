"""What programs say they were made of: Go's build information, Rust's audit data.

In:  the layout of a file, bytes of a section.
Out: ``GoInfo``, ``Crate`` values.

Source: Go ``debug/buildinfo`` (strings inline since Go 1.18, pointers to them before);
cargo-auditable's JSON, compressed by zlib.
"""

from __future__ import annotations

import zlib

import msgspec

from jettison.analysis.elf.model import Crate, GoInfo, GoModule
from jettison.analysis.elf.reader import MalformedElfError
from jettison.analysis.elf.segments import Layout

GO_MAGIC = b"\xff Go buildinf:"
_HEADER, _INLINE, _BIG = 32, 2, 1
_SENTINEL = 16
_MAX_STRING = 4 << 20
_MAX_AUDIT = 16 << 20
_MAX_MODULES = 20_000
_MAX_TEXT = 1000


class _Audit(msgspec.Struct):
    packages: list[Crate] = []


def go_info(layout: Layout, offset: int) -> GoInfo | None:
    """Return the build information at an offset; None if there is none.

    Raises:
        MalformedElfError: it is not in the file.
    """
    head = layout.reader.at(offset, _HEADER)
    if not head.startswith(GO_MAGIC):
        return None
    if head[15] & _INLINE:
        version, place = _inline(layout, offset + _HEADER)
        modules, _ = _inline(layout, place)
    else:
        size, order = head[14], "big" if head[15] & _BIG else "little"
        if size not in {4, 8}:
            return None
        version, modules = (
            _pointed(layout, head[16 + size * index :][:size], order) for index in range(2)
        )
    return _go(version, modules)


def _inline(layout: Layout, offset: int) -> tuple[bytes, int]:
    """Return the string at an offset, after its length as a varint, and where it ends."""
    length = shift = 0
    for byte in layout.reader.up_to(offset, 10):
        offset += 1
        length |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            break
    if length > _MAX_STRING:
        raise MalformedElfError("its build information is too long")
    return layout.reader.at(offset, length), offset + length


def _pointed(layout: Layout, pointer: bytes, order: str) -> bytes:
    """Return the Go string whose header (address, length) a pointer leads to."""
    big, size = order == "big", len(pointer)
    at = layout.offset(int.from_bytes(pointer, "big" if big else "little"))
    header = layout.reader.at(at, 2 * size)
    address, length = (
        int.from_bytes(header[size * index :][:size], "big" if big else "little")
        for index in range(2)
    )
    if length > _MAX_STRING:
        raise MalformedElfError("its build information is too long")
    return layout.reader.at(layout.offset(address), length) if length else b""


def _go(version: bytes, modules: bytes) -> GoInfo:
    path, main = "", None
    others: list[GoModule] = []
    settings: dict[str, str] = {}
    last = ""
    for line in _text(modules[_SENTINEL:-_SENTINEL]).split("\n")[:_MAX_MODULES]:
        kind, *parts = line.split("\t")
        parts = [each[:_MAX_TEXT] for each in parts]
        if kind == "path" and parts:
            path = parts[0]
        elif kind == "build" and parts:
            name, _, value = parts[0].partition("=")
            settings[name] = value.strip('"')
        elif kind in {"mod", "dep", "=>"} and len(parts) >= 2:
            module = GoModule(parts[0], parts[1])
            if kind == "mod" or (kind == "=>" and last == "mod"):
                main = module
            elif kind == "dep" or not others:
                others.append(module)
            else:
                others[-1] = module
            last = kind if kind != "=>" else last
    return GoInfo(_text(version)[:_MAX_TEXT], path, main, tuple(others), settings)


def rust_crates(data: bytes) -> tuple[Crate, ...]:
    """Return the crates of audit data; none if it cannot be read."""
    try:
        unpacked = zlib.decompressobj().decompress(data, _MAX_AUDIT)
        return tuple(msgspec.json.decode(unpacked, type=_Audit).packages[:_MAX_MODULES])
    except (zlib.error, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ()


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")

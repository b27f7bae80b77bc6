"""Modules that programs say they were made of: Go's build information, Rust's audit data.

Source: ELF-64 and ELF-32 object file format, section headers; Go ``debug/buildinfo`` for the
layout since Go 1.18 (strings inline); cargo-auditable's ``.dep-v0``: JSON, compressed by zlib.

Security: offsets and sizes are the file's; each is checked against a limit before it is read.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

import msgspec

from jettison.analysis.files import Files
from jettison.analysis.packages.base import Owned, Package, package, text

_GO = b".go.buildinfo"
_RUST = b".dep-v0"
_GO_MAGIC = b"\xff Go buildinf:"
_GO_INLINE = 2
_GO_SENTINEL = 16
_MAX_SECTIONS = 512
_MAX_SECTION = 4 << 20
_MAX_NAMES = 1 << 16
_MAX_RUST = 16 << 20


class _Crate(msgspec.Struct):
    name: str = ""
    version: str = ""


class _Audit(msgspec.Struct):
    packages: list[_Crate] = []


def module_packages(files: Files, path: str) -> Iterator[Package]:
    """Yield the modules of a program; the first one owns it."""
    file = files.open(path)
    if file is None:
        return
    with file:
        try:
            sections = dict(_sections(file))
        except (OSError, struct.error, ValueError):
            return
    owned = (files.entries[path].size, 1)
    if _GO in sections:
        yield from _go(sections[_GO], owned)
    if _RUST in sections:
        yield from _rust(sections[_RUST], owned)


def _sections(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """Yield (name, bytes) of the sections that are of interest."""
    head = file.read(64)
    if head[:4] != b"\x7fELF" or len(head) < 52:
        return
    order = "<" if head[5] == 1 else ">"
    if head[4] == 2:
        (table,) = struct.unpack_from(order + "Q", head, 40)
        size, count, names_at = struct.unpack_from(order + "HHH", head, 58)
        form = order + "IIQQQQ"
    else:
        (table,) = struct.unpack_from(order + "I", head, 32)
        size, count, names_at = struct.unpack_from(order + "HHH", head, 46)
        form = order + "IIIIII"
    if not 0 < count <= _MAX_SECTIONS or names_at >= count or size < struct.calcsize(form):
        return
    headers = _read(file, table, size * count)
    rows = [struct.unpack_from(form, headers, size * index) for index in range(count)]
    names = _read(file, rows[names_at][4], min(rows[names_at][5], _MAX_NAMES))
    for name_at, kind, _flags, _address, offset, length in rows:
        name = names[name_at : names.find(b"\0", name_at)]
        if name in {_GO, _RUST} and kind == 1 and length <= _MAX_SECTION:
            yield name, _read(file, offset, length)


def _read(file: BinaryIO, offset: int, length: int) -> bytes:
    if offset >= 1 << 62:
        raise ValueError("an offset that no file has")
    file.seek(offset)
    return file.read(length)


def _go(data: bytes, owned: Owned) -> Iterator[Package]:
    if data[: len(_GO_MAGIC)] != _GO_MAGIC or len(data) < 33 or not data[15] & _GO_INLINE:
        return
    version, rest = _go_string(data[32:])
    modules, _ = _go_string(rest)
    yield from filter(None, [package("go", "std", text(version).removeprefix("go"), None)])
    lines = text(modules[_GO_SENTINEL:-_GO_SENTINEL]).split("\n")
    for line in lines:
        parts = line.split("\t")
        if parts[0] in {"mod", "dep"} and len(parts) >= 3:
            is_main = parts[0] == "mod"
            found = package("go", parts[1], parts[2], owned if is_main else None)
            if found is not None:
                yield found


def _go_string(data: bytes) -> tuple[bytes, bytes]:
    """Return the string that begins the data, after its length as a varint, and the rest."""
    length = shift = 0
    for position, byte in enumerate(data[:10]):
        length |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            start = position + 1
            return data[start : start + length], data[start + length :]
    return b"", b""


def _rust(data: bytes, owned: Owned) -> Iterator[Package]:
    try:
        unpacked = zlib.decompressobj().decompress(data, _MAX_RUST)
        audit = msgspec.json.decode(unpacked, type=_Audit)
    except (zlib.error, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return
    for index, each in enumerate(audit.packages):
        is_root = index == len(audit.packages) - 1
        found = package("rust", each.name, each.version, owned if is_root else None)
        if found is not None:
            yield found

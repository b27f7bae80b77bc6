"""ELF files of a few hundred bytes: headers, a dynamic section, versions of symbols, no code.

In:  what a file says.
Out: its bytes. Loaders accept such libraries; programs that are started end by a signal.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

ADDRESS = 0x10000
_EXIT = bytes.fromhex("b83c00000031ff0f05")
"""``exit(0)`` on x86-64."""


class _Strings:
    def __init__(self) -> None:
        self.data = b"\0"

    def add(self, text: str) -> int:
        self.data += text.encode() + b"\0"
        return len(self.data) - len(text.encode()) - 1


def elf_hash(name: str) -> int:
    """Return the System V hash of a name, which version sections hold."""
    value = 0
    for byte in name.encode():
        value = (value << 4) + byte
        high = value & 0xF000_0000
        value = (value ^ (high >> 24)) & ~high & 0xFFFF_FFFF
    return value


def elf(
    *,
    interp: str = "",
    needed: Sequence[str] = (),
    soname: str = "",
    rpath: str | None = None,
    runpath: str | None = None,
    needs: Mapping[str, Sequence[str]] = {},
    weak: Mapping[str, Sequence[str]] = {},
    defines: Sequence[str] = (),
    machine: int = 62,
    bits: int = 64,
    is_big: bool = False,
    kind: int = 3,
    flags_1: int = 0,
    entry: int | None = None,
    notes: bytes = b"",
    exits: bool = False,
    data: bytes = b"",
) -> bytes:
    """Return an ELF file; a program if it has an interpreter or is of kind 2.

    With ``exits`` it is one that ends with status 0, on x86-64; else it has no code. ``data`` is
    what its data segment begins with.
    """
    order = ">" if is_big else "<"
    parts = _Parts(bits, order)
    if interp:
        parts.put("interp", interp.encode() + b"\0")
    if notes:
        parts.put("notes", notes)
    if data:
        parts.put("data", data, 16)
    if exits:
        entry = parts.put("code", _EXIT)
    if kind == 3 or needed:
        strings = _Strings()
        pairs = [(1, strings.add(each)) for each in needed]
        for tag, text in ((14, soname or None), (15, rpath), (29, runpath)):
            if text is not None:
                pairs.append((tag, strings.add(text)))
        if needs or weak:
            pairs += [(0x6FFF_FFFE, parts.put("need", _need(order, strings, needs, weak)))]
            pairs += [(0x6FFF_FFFF, len({*needs, *weak}))]
        if defines:
            pairs += [(0x6FFF_FFFC, parts.put("define", _define(order, strings, soname, defines)))]
            pairs += [(0x6FFF_FFFD, len(defines) + 1)]
        if needs or weak or defines:
            pairs += [(0x6FFF_FFF0, parts.put("versym", bytes(8)))]
        size = 24 if bits == 64 else 16
        pairs += [(4, parts.put("hash", struct.pack(order + "4I", 1, 1, 0, 0)))]
        pairs += [(6, parts.put("symbols", bytes(size))), (11, size)]
        pairs += [(5, parts.put("strings", strings.data)), (10, len(strings.data))]
        pairs += [(0x6FFF_FFFB, flags_1), (0, 0)]
        form = f"{order}2{'Q' if bits == 64 else 'I'}"
        parts.put("dynamic", b"".join(struct.pack(form, *pair) for pair in pairs))
    if entry is None:
        entry = ADDRESS if interp or kind == 2 else 0
    return parts.file(kind, machine, entry)


class _Parts:
    """The parts of a file, from behind the place of its headers on."""

    def __init__(self, bits: int, order: str) -> None:
        self._bits = bits
        self._order = order
        self._place = 512
        self._parts: dict[str, tuple[int, bytes]] = {}

    def put(self, name: str, data: bytes, align: int = 8) -> int:
        """Add a part; return its address."""
        place = self._place + -self._place % align
        self._parts[name] = place, data
        self._place = place + len(data)
        return ADDRESS + place

    def file(self, kind: int, machine: int, entry: int) -> bytes:
        """Return all with headers before it."""
        order, word = self._order, "Q" if self._bits == 64 else "I"
        rows = [
            self._segment(type_, 6, *self._extent(name), 8 if name == "dynamic" else 4)
            for name, type_ in (("interp", 3), ("notes", 4), ("dynamic", 2))
            if name in self._parts
        ]
        loads = [self._segment(1, 7, 0, self._place, 4096)]
        if "data" in self._parts:
            loads.append(self._segment(1, 6, *self._extent("data"), 4096, 1 << 20))
        at = len(rows) - ("dynamic" in self._parts)
        rows[at:at] = loads
        size = 64 if self._bits == 64 else 52
        if "interp" in self._parts:
            # By it loaders know where the program was put.
            rows.insert(0, self._segment(6, 4, size, len(rows[0]) * (len(rows) + 1), 8))
        head = b"\x7fELF" + bytes([self._bits // 32, 2 if order == ">" else 1, 1]) + bytes(9)
        head += struct.pack(
            f"{order}HHI3{word}IHHHHHH", kind, machine, 1, entry, size, 0, 0, size,
            len(rows[0]), len(rows), 0, 0, 0,
        )  # fmt: skip
        data = bytearray(self._place)
        for start, part in ((0, head + b"".join(rows)), *self._parts.values()):
            data[start : start + len(part)] = part
        return bytes(data)

    def _extent(self, name: str) -> tuple[int, int]:
        place, data = self._parts[name]
        return place, len(data)

    def _segment(
        self, kind: int, flags: int, offset: int, size: int, align: int, base: int = ADDRESS
    ) -> bytes:
        address = base + offset
        if self._bits == 64:
            row = (kind, flags, offset, address, address, size, size, align)
            return struct.pack(self._order + "IIQQQQQQ", *row)
        row = (kind, offset, address, address, size, size, flags, align)
        return struct.pack(self._order + "IIIIIIII", *row)


def note(owner: bytes, kind: int, data: bytes) -> bytes:
    """Return a note, aligned to four bytes."""
    name = owner + b"\0"
    head = struct.pack("<III", len(name), len(data), kind)
    return head + name + bytes(-len(name) % 4) + data + bytes(-len(data) % 4)


def _need(
    order: str,
    strings: _Strings,
    needs: Mapping[str, Sequence[str]],
    weak: Mapping[str, Sequence[str]],
) -> bytes:
    data = b""
    files = list(dict.fromkeys([*needs, *weak]))
    for position, file in enumerate(files):
        versions = [(each, 0) for each in needs.get(file, ())]
        versions += [(each, 2) for each in weak.get(file, ())]
        following = 16 + 16 * len(versions) if position + 1 < len(files) else 0
        data += struct.pack(order + "HHIII", 1, len(versions), strings.add(file), 16, following)
        for index, (version, flags) in enumerate(versions):
            step = 16 if index + 1 < len(versions) else 0
            data += struct.pack(
                order + "IHHII", elf_hash(version), flags, index + 2, strings.add(version), step
            )
    return data


def _define(order: str, strings: _Strings, soname: str, defines: Sequence[str]) -> bytes:
    data = b""
    for index, version in enumerate((soname, *defines)):
        following = 28 if index < len(defines) else 0
        data += struct.pack(
            order + "HHHHIII", 1, not index, index + 1, 1, elf_hash(version), 20, following
        )
        data += struct.pack(order + "II", strings.add(version), 0)
    return data


def arm64_program(directory: str) -> bytes:
    """Return a program for Linux on arm64 that makes a directory, and ends with what that gave."""
    words = (
        0x92800C60,  # movn x0, #99: AT_FDCWD
        0x100000C1,  # adr x1, the path, six instructions on
        0xD2803DA2,  # movz x2, #0o755
        0xD2800448,  # movz x8, #34: mkdirat
        0xD4000001,  # svc
        0xD2800BA8,  # movz x8, #93: exit
        0xD4000001,  # svc
    )
    body = struct.pack("<7I", *words) + directory.encode() + b"\0"
    start, size = 0x400000, 120 + len(body)
    identification = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)
    header = struct.pack("<HHIQQQIHHHHHH", 2, 183, 1, start + 120, 64, 0, 0, 64, 56, 1, 64, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, start, start, size, size, 0x1000)
    return identification + header + segment + body

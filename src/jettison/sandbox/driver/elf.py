"""Programs of a few system calls, for places where nothing can be counted on to be installed.

In:  a machine, system calls with numbers and texts.
Out: a static executable of some hundred bytes.

Source: System V ABI, ELF-64; syscall(2); Arm ARM, "MOVZ", "MOVK", "MOVN", "SVC".
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

# machine: (ELF e_machine, number of exit)
_MACHINES = {"x86_64": (62, 60), "aarch64": (183, 93)}
_BASE = 0x400000
_HEADERS = 64 + 2 * 56
_X86_REGISTERS = (b"\xbf", b"\xbe", b"\xba", b"\x41\xba", b"\x41\xb8")
"""Instructions that load edi, esi, edx, r10d and r8d."""

BUFFER = 0x600000
BUFFER_BYTES = 1 << 16
"""Memory that calls may write to."""

Call = tuple[int, Sequence[int | bytes]]
"""Number and arguments of a system call; bytes are passed by their address."""


def executable(machine: str, calls: Sequence[Call], *, exits_with_result: bool = False) -> bytes:
    """Return a static executable that makes system calls and exits.

    Args:
        machine: As of uname(2).
        calls: In order, with at most five arguments of 32 bits.
        exits_with_result: Exit with what the last call returned, instead of 0.

    Returns:
        The program; empty for machines that are not known.
    """
    if machine not in _MACHINES:
        return b""
    elf_machine, leave = _MACHINES[machine]
    texts = b""
    places: dict[bytes, int] = {}
    for argument in (each for _, arguments in calls for each in arguments):
        if isinstance(argument, bytes) and argument not in places:
            places[argument] = _BASE + _HEADERS + len(texts)
            texts += argument + b"\0"
    texts += b"\0" * (-len(texts) % 4)
    encode = _x86_64 if machine == "x86_64" else _aarch64
    code = b""
    for number, arguments in calls:
        code += encode(
            number, [places[each] if isinstance(each, bytes) else each for each in arguments]
        )
    if not exits_with_result:
        code += encode(leave, [0])
    elif machine == "x86_64":
        code += b"\x89\xc7" + encode(leave, [])  # mov edi, eax
    else:
        code += encode(leave, [])  # the result is in x0, where the argument belongs
    size = _HEADERS + len(texts) + len(code)
    header = struct.pack(
        "<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 2, elf_machine, 1,
        _BASE + _HEADERS + len(texts), 64, 0, 0, 64, 56, 2, 0, 0, 0,
    )  # fmt: skip
    segments = struct.pack("<IIQQQQQQ", 1, 5, 0, _BASE, _BASE, size, size, 0x10000)
    segments += struct.pack("<IIQQQQQQ", 1, 6, 0, BUFFER, BUFFER, 0, BUFFER_BYTES, 0x10000)
    return header + segments + texts + code


def _x86_64(number: int, arguments: Sequence[int]) -> bytes:
    """Return ``mov`` to registers and eax, and ``syscall``."""
    moves = [
        register + struct.pack("<I", value & 0xFFFFFFFF)
        for register, value in zip(_X86_REGISTERS, arguments, strict=False)
    ]
    return b"".join(moves) + struct.pack("<BI", 0xB8, number) + b"\x0f\x05"


def _aarch64(number: int, arguments: Sequence[int]) -> bytes:
    """Return moves to x0 … and x8, and ``svc #0``."""
    words = []
    for register, value in [*enumerate(arguments), (8, number)]:
        if value < 0:
            words.append(0x92800000 | ~value << 5 | register)
        else:
            words.append(0xD2800000 | (value & 0xFFFF) << 5 | register)
            words.append(0xF2A00000 | (value >> 16) << 5 | register)
    return struct.pack(f"<{len(words) + 1}I", *words, 0xD4000001)

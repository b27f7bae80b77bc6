"""A small interpreter of eBPF, for programs that are asked about devices."""

from __future__ import annotations

import struct

_MASK = (1 << 32) - 1


def result(code: bytes, access: int, kind: int, major: int, minor: int) -> int:
    """Return what a program returns for an access, its kind of device, and the numbers of it."""
    context = struct.pack("=III", access << 16 | kind, major, minor)
    registers = [0] * 11
    at = 0
    while True:
        op, places, jump, immediate = struct.unpack_from("=BBhi", code, at * 8)
        target, source = places & 15, places >> 4
        at += 1
        if op == 0x61:  # load 32 bits of the context
            assert source == 1
            (registers[target],) = struct.unpack_from("=I", context, jump)
        elif op == 0xBC:
            registers[target] = registers[source] & _MASK
        elif op == 0x74:
            registers[target] = (registers[target] & _MASK) >> immediate
        elif op == 0x54:
            registers[target] &= immediate & _MASK
        elif op == 0xB7:
            registers[target] = immediate
        elif op == 0x95:
            return registers[0]
        elif op == 0x05:
            at += jump
        else:
            equal = registers[target] == immediate
            at += jump if {0x15: equal, 0x55: not equal}[op] else 0

"""A small interpreter of classic BPF, for filters of system calls."""

from __future__ import annotations

import struct
from collections.abc import Sequence

X86_64, I386, AARCH64, ARM = 0xC000003E, 0x40000003, 0xC00000B7, 0x40000028
ALLOW = 0x7FFF0000
NOTIFY = 0x7FC00000
_LOAD, _AND, _JUMP, _RETURN = 0x20, 0x54, 0x05, 0x06


def answer(code: bytes, arch: int, number: int, *arguments: int) -> int:
    """Return the whole answer of a filter to a call."""
    data = struct.pack("<IIQ6Q", number, arch, 0, *_six(arguments))
    at, register = 0, 0
    while True:
        op, true, false, value = struct.unpack_from("=HBBI", code, at * 8)
        at += 1
        if op == _LOAD:
            (register,) = struct.unpack_from("<I", data, value)
        elif op == _AND:
            register &= value
        elif op == _JUMP:
            at += value
        elif op == _RETURN:
            return value
        else:
            tests = {
                0x15: register == value,
                0x25: register > value,
                0x35: register >= value,
                0x45: bool(register & value),
            }
            at += true if tests[op] else false


def refusal(code: bytes, arch: int, number: int, *arguments: int) -> int:
    """Return 0 for an allowed call, else the errno."""
    value = answer(code, arch, number, *arguments)
    return 0 if value == ALLOW else value & 0xFFFF


def _six(arguments: Sequence[int]) -> tuple[int, ...]:
    return (*arguments, *[0] * (6 - len(arguments)))

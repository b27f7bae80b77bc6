"""Instructions of classic BPF, as filters of system calls use them.

In:  numbers. Out: ``sock_filter`` structures, 8 bytes each.

Source: seccomp(2); linux/filter.h, linux/seccomp.h and linux/audit.h.
"""

from __future__ import annotations

import errno
import struct

LOAD, EQUAL, GREATER_EQUAL, ANY_BIT, RETURN, AND, JUMP = 0x20, 0x15, 0x35, 0x45, 0x06, 0x54, 0x05
NUMBER, ARCH, ARGUMENT = 0, 4, 16
"""Where a filter finds the call's number, its architecture, its first argument."""

ALLOW = 0x7FFF0000
ERRNO = 0x00050000
REFUSE = ERRNO | errno.EPERM
UNKNOWN = ERRNO | errno.ENOSYS
NOTIFY = 0x7FC00000
X32 = 0x40000000

# Column of tables by AUDIT_ARCH_*.
ARCHITECTURES = {
    "x86_64": ((0xC000003E, 0), (0x40000003, 1)),
    "aarch64": ((0xC00000B7, 2), (0x40000028, 3)),
}


def op(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    """Return an instruction; jumps are relative to the next one."""
    return struct.pack("=HBBI", code, if_true, if_false, value)


def argument(place: int = 0) -> bytes:
    """Return the instruction that loads the low half of an argument."""
    return op(LOAD, ARGUMENT + 8 * place)


def when(number: int, body: list[bytes]) -> list[bytes]:
    """Return instructions for one call, which end by returning; others fall through."""
    return [op(EQUAL, number, 0, len(body)), *body] if number >= 0 else []


def assemble(sections: list[tuple[int, list[bytes]]], otherwise: int) -> bytes:
    """Return a program of one section for each architecture, and an answer for others."""
    code = [op(LOAD, ARCH)]
    for arch, section in sections:
        # Conditional jumps reach 255 instructions only: a wrong architecture is skipped by `ja`.
        code += [op(EQUAL, arch, 1, 0), op(JUMP, len(section)), *section]
    return b"".join([*code, op(RETURN, otherwise)])

"""The filter that asks somebody else to make a process's Unix sockets.

In:  an architecture. Out: BPF that asks about socket(2) and socketpair(2) for AF_UNIX.

A socket's abstract names are those of the network namespace that it was made in. Who answers makes
it in a namespace that holds nothing of the host; paths go on working. That needs no look into the
process's memory, so that nothing can change behind the answer's back, but for ``socketcall`` of
32-bit processes, which is answered from a copy of its arguments.

Stream pairs are connected for good, so that only pairs of datagram sockets, which may be sent from
to any name, are asked about.

Source: socket(2), socketcall(2), unix(7); system call tables of Linux 6.12.
"""

from __future__ import annotations

from jettison.linux.bpf import (
    ALLOW,
    AND,
    ARCHITECTURES,
    EQUAL,
    GREATER_EQUAL,
    LOAD,
    NOTIFY,
    NUMBER,
    RETURN,
    UNKNOWN,
    X32,
    argument,
    assemble,
    op,
    when,
)
from jettison.linux.syscall import MACHINE

# Numbers on x86_64, i386, aarch64, arm; -1: none.
SOCKET = (41, 359, 198, 281)
SOCKETPAIR = (53, 360, 199, 288)
SOCKETCALL = (-1, 102, -1, -1)
_AF_UNIX = 1
_KIND = 0xF
_DATAGRAM, _RAW = 2, 3
_CALL_SOCKET, _CALL_PAIR = 1, 8


def notify_sockets(column: int) -> list[bytes]:
    """Return the instructions that notify of calls which make Unix sockets; others fall through."""
    # Sockets of other families fall through, with the number loaded again.
    unix = [argument(), op(EQUAL, _AF_UNIX, 0, 1), op(RETURN, NOTIFY), op(LOAD, NUMBER)]
    pair = [
        argument(),
        op(EQUAL, _AF_UNIX, 1, 0),
        op(RETURN, ALLOW),
        argument(1),
        op(AND, _KIND),
        op(EQUAL, _DATAGRAM, 1, 0),
        op(EQUAL, _RAW, 0, 1),
        op(RETURN, NOTIFY),
        op(RETURN, ALLOW),
    ]
    both = [argument(), op(EQUAL, _CALL_SOCKET, 1, 0), op(EQUAL, _CALL_PAIR, 0, 1)]
    return [
        op(LOAD, NUMBER),
        *when(SOCKETCALL[column], [*both, op(RETURN, NOTIFY), op(RETURN, ALLOW)]),
        *when(SOCKET[column], unix),
        *when(SOCKETPAIR[column], pair),
    ]


def socket_program(machine: str = MACHINE) -> bytes:
    """Return the BPF program that notifies of Unix sockets, and refuses x32 calls only."""
    sections = []
    for arch, column in ARCHITECTURES.get(machine, ()):
        x32 = [op(LOAD, NUMBER), op(GREATER_EQUAL, X32, 0, 1), op(RETURN, UNKNOWN)]
        body = [*(x32 if column == 0 else []), *notify_sockets(column), op(RETURN, ALLOW)]
        sections.append((arch, body))
    return assemble(sections, UNKNOWN) if sections else b""

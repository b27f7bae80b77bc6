"""A terminal that a driver makes where the container cannot: on the host.

In:  ``Streams`` with a console socket, see there.
Out: ``Streams`` with the slave side of a new pty; the master side has gone over the socket.

Source: pty(7), tty_ioctl(4) TIOCSWINSZ.
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import termios
from collections.abc import Iterator
from contextlib import contextmanager

from jettison.sandbox.base import Streams
from jettison.sandbox.spec import SandboxSpec


@contextmanager
def host_terminal(spec: SandboxSpec, streams: Streams) -> Iterator[Streams]:
    """Make a terminal if the spec wants one; its slave side is open in the block."""
    if not spec.terminal:
        yield streams
        return
    master, slave = os.openpty()
    try:
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("4H", *spec.terminal_size, 0, 0))
        with socket.socket(fileno=os.dup(streams.stdin)) as console:
            socket.send_fds(console, [b"."], [master])
        os.close(master)
        master = -1
        yield Streams(slave, slave, slave)
    finally:
        os.close(slave)
        if master >= 0:
            os.close(master)

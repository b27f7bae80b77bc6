"""Descriptors that one process gives to another, over a socket between them.

Source: unix(7), SCM_RIGHTS.
"""

from __future__ import annotations

import _socket
import os
import struct


def send(socket: _socket.socket, descriptor: int) -> None:
    """Give a descriptor away; it is closed here.

    Raises:
        OSError: nobody reads.
    """
    rights = (_socket.SOL_SOCKET, _socket.SCM_RIGHTS, struct.pack("=i", descriptor))
    socket.sendmsg([b"."], [rights])
    os.close(descriptor)


def receive(socket: _socket.socket, flags: int = 0) -> int:
    """Return a descriptor that was given; -1 at the end.

    Args:
        socket: The other end of the sender's.
        flags: Of recvmsg(2); with ``MSG_PEEK`` it is given once more the next time.

    Raises:
        OSError: there is none as yet, with ``MSG_DONTWAIT``.
    """
    space = _socket.CMSG_SPACE(4)
    _, ancillary, _, _ = socket.recvmsg(1, space, flags | _socket.MSG_CMSG_CLOEXEC)
    return struct.unpack("=i", ancillary[0][2])[0] if ancillary else -1

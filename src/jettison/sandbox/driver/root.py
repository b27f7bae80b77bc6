"""The root directory of a container, which one of its processes sends.

In:  what starts such a process.
Out: a descriptor.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable

from jettison.errors import SandboxUnavailableError
from jettison.sandbox.base import Streams
from jettison.sandbox.helper.client import RunningContainer


def root_of(start: Callable[[Streams], RunningContainer]) -> int:
    """Return a descriptor (``O_PATH``) of the root directory of a container.

    Args:
        start: Starts a process that sends it over its standard input, and ends.

    Raises:
        SandboxUnavailableError: it could not.
    """
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            descriptor = theirs.fileno()
            running = start(Streams(descriptor, descriptor, descriptor))
        code = running.wait()
        _, received, _, _ = socket.recv_fds(ours, 1, 1, socket.MSG_DONTWAIT)
    if not received:
        raise SandboxUnavailableError(f"the container's files cannot be seen: status {code}")
    os.set_inheritable(received[0], False)
    return received[0]

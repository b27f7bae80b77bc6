"""Sockets of another network namespace.

In:  the path of a namespace.
Out: sockets that are in it, wherever they are used then.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable

from jettison.linux.namespace import NEWNET, enter


def in_network(namespace: str, make: Callable[[], socket.socket]) -> socket.socket:
    """Make a socket in a network namespace: a thread enters it and ends.

    Args:
        namespace: Its path; empty is the one of this process.
        make: Makes the socket.

    Raises:
        OSError: it may not.
    """
    if not namespace:
        return make()
    made: list[socket.socket | OSError] = []

    def work() -> None:
        try:
            descriptor = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
            try:
                enter(descriptor, NEWNET)
                made.append(make())
            finally:
                os.close(descriptor)
        except OSError as error:
            made.append(error)

    thread = threading.Thread(target=work, name="network")
    thread.start()
    thread.join()
    (found,) = made
    if isinstance(found, OSError):
        raise found
    return found

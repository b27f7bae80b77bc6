"""Sockets that an interrupt of the user shuts, so that no thread waits for a silent server.

In:  urllib3's pools and the contexts of their TLS.
Out: the same, whose sockets are known from when they are connected to when nobody reads them.

Concurrency: thread-safe. Shutting a socket down wakes the thread that waits for it.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import weakref
from typing import TYPE_CHECKING

from jettison.concurrency import INTERRUPTS

if TYPE_CHECKING:
    import ssl

    from urllib3 import HTTPConnectionPool
    from urllib3.response import HTTPResponse


CONNECT_SECONDS = 10.0
READ_SECONDS = 60.0
"""Within which the next bytes must be here."""
HEAD_SECONDS = 180.0
"""Within which the head of an answer must be here."""


class Sockets:
    """The sockets of all transports that are in use."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a signal handler may interrupt its own thread
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()

    def watch(self, each: socket.socket) -> None:
        """Know a socket from now on."""
        with self._lock:
            self._sockets.add(each)

    def shut(self) -> None:
        """End all reading and writing; those who wait get the end of the stream."""
        with self._lock:
            for each in list(self._sockets):
                _shut(each)

    def watch_connections(self, pool: HTTPConnectionPool) -> None:
        """Know the sockets of all connections that a pool makes."""
        watch = self.watch

        class Watched(pool.ConnectionCls):  # type: ignore[name-defined,misc]
            def _new_conn(self) -> socket.socket:
                made: socket.socket = super()._new_conn()
                watch(made)
                return made

            def getresponse(self) -> HTTPResponse:
                # Each byte may be in time, and the head without end.
                late: list[socket.socket] = []

                def shut(each: socket.socket) -> None:
                    late.append(each)
                    _shut(each)

                timer = threading.Timer(HEAD_SECONDS, shut, [self.sock])
                timer.daemon = True
                timer.start()
                try:
                    response: HTTPResponse = super().getresponse()
                finally:
                    timer.cancel()
                if late:  # a head that ends so counts as whole
                    response.close()
                    raise TimeoutError
                return response

        pool.ConnectionCls = Watched

    def watch_handshakes(self, context: ssl.SSLContext) -> None:
        """Know the sockets of a TLS context before they greet the server."""
        watch = self.watch

        class Watched(context.sslsocket_class):  # type: ignore[name-defined,misc]
            def do_handshake(self, block: bool = False) -> None:
                watch(self)
                super().do_handshake(block)

        context.sslsocket_class = Watched


def _shut(each: socket.socket) -> None:
    with contextlib.suppress(OSError):  # not connected any more
        socket.socket.shutdown(each, socket.SHUT_RDWR)


SOCKETS = Sockets()
INTERRUPTS.add(SOCKETS.shut)

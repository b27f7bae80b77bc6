"""Answers on the control socket of a container, for as long as it runs.

In:  connections of commands: ``stop``, ``logs -f``, ``exec`` …
Out: signals, processes that join, the news that it has ended.

Concurrency: one thread for all connections, and one for each process that joins.

Security: the socket is in a directory of its user's only (0700), and whoever connects must be
that user, too.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, Self

from jettison.container.state.protocol import (
    Connection,
    Done,
    Ended,
    EndInput,
    Execute,
    Executing,
    OpenInput,
    OpenRoot,
    Refused,
    Request,
    Signal,
    Watch,
    listen,
    refusal,
)
from jettison.errors import JettisonError
from jettison.sandbox.base import Joined, Running, Streams

_CREDENTIALS = struct.Struct("=iII")
_STREAMS = 3
_PATIENCE_SECONDS = 5

Join = Callable[[Running, Execute, Streams], Joined]
"""Runs another process in the container."""


class Input(Protocol):
    """What a container reads; ``container.attach.Attached``."""

    def open_input(self) -> int:
        """Return a descriptor that is written to, to be closed by the caller; -1 for none."""
        ...

    def end_input(self) -> None:
        """Let the container see the end."""
        ...


class ControlServer:
    """A context manager around the time in which a container runs.

    Args:
        directory: Of the container.
        running: It.
        join: See ``Join``.
        given: What it reads.
    """

    def __init__(self, directory: Path, running: Running, join: Join, given: Input) -> None:
        self._running = running
        self._join = join
        self._input = given
        self._listener = listen(directory)
        self._connections: dict[int, Connection] = {}
        self._joined: dict[int, Joined] = {}
        self._end, self._ending = os.pipe2(os.O_CLOEXEC)
        self._lock = threading.Lock()
        self._followers: list[threading.Thread] = []
        self._thread = threading.Thread(target=self._serve, name="control", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Close all connections: whoever got no answer sees that."""
        os.close(self._ending)
        self._thread.join()
        os.close(self._end)
        self._listener.close()
        with self._lock:
            for connection in self._connections.values():
                connection.close()

    def say_ended(self, exit_code: int) -> None:
        """Tell all who wait that the container has ended, and what joined it with it."""
        for follower in self._followers:
            follower.join(_PATIENCE_SECONDS)
        with self._lock:
            for descriptor, connection in self._connections.items():
                if descriptor not in self._joined:
                    _send(connection, Ended(exit_code))

    def _serve(self) -> None:
        poll = select.poll()
        poll.register(self._listener.fileno(), select.POLLIN)
        poll.register(self._end, 0)
        while True:
            ready = [descriptor for descriptor, _ in poll.poll()]
            if self._end in ready:
                return
            for descriptor in ready:
                if descriptor == self._listener.fileno():
                    self._accept(poll)
                elif not self._take(descriptor):
                    poll.unregister(descriptor)
                    with self._lock:
                        self._connections.pop(descriptor).close()
                        self._joined.pop(descriptor, None)

    def _accept(self, poll: select.poll) -> None:
        with contextlib.suppress(OSError):
            link, _ = self._listener.accept()
            if _uid_of(link) != os.geteuid():
                link.close()
                return
            with self._lock:
                self._connections[link.fileno()] = Connection(link)
            poll.register(link.fileno(), select.POLLIN)

    def _take(self, descriptor: int) -> bool:
        """Take one request; return False at the end of a connection."""
        connection = self._connections[descriptor]
        try:
            request, received = connection.request()
        except (ValueError, OSError) as error:
            _send(connection, Refused(f"not understood: {error}"))
            return False
        if request is None:
            return False
        try:
            self._do(request, received, connection)
        except JettisonError as error:
            _send(connection, refusal(error))
        finally:
            for each in received:
                os.close(each)
        return True

    def _do(self, request: Request, received: list[int], connection: Connection) -> None:
        match request:
            case Signal():
                joined = self._joined.get(connection.fileno())
                (joined or self._running).signal(request.number)
                if joined is None:
                    _send(connection, Done())
            case Execute():
                if len(received) != _STREAMS:
                    raise JettisonError("three streams must come with it")
                joined = self._join(self._running, request, Streams(*received))
                with self._lock:
                    self._joined[connection.fileno()] = joined
                follower = threading.Thread(
                    target=_follow, args=(joined, connection), name="exec", daemon=True
                )
                self._followers = [each for each in self._followers if each.is_alive()]
                self._followers.append(follower)
                follower.start()
            case Watch():
                pass  # it gets its answer when the container ends, as all do
            case OpenRoot():
                _give(connection, self._running.open_root())
            case OpenInput():
                _give(connection, self._input.open_input())
            case EndInput():
                self._input.end_input()
                _send(connection, Done())


def _give(connection: Connection, descriptor: int) -> None:
    """Answer with a descriptor, which is closed here; -1 is none."""
    if descriptor < 0:
        _send(connection, Done())
        return
    try:
        _send(connection, Done(), (descriptor,))
    finally:
        os.close(descriptor)


def _follow(joined: Joined, connection: Connection) -> None:
    """Say how a process goes that joined."""
    try:
        if joined.begin_program():
            _send(connection, Executing())
        _send(connection, Ended(joined.wait()))
    except JettisonError as error:
        _send(connection, refusal(error))


def _send(
    connection: Connection, answer: Done | Executing | Ended | Refused, sent: tuple[int, ...] = ()
) -> None:
    with contextlib.suppress(OSError):  # who asked is gone
        connection.send(answer, sent)


def _uid_of(link: socket.socket) -> int:
    """Return who connected, as this user namespace sees them."""
    data = link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    uid: int = _CREDENTIALS.unpack(data)[1]
    return uid

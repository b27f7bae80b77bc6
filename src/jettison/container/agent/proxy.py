"""A socket that gives a container an SSH agent's keys to sign with, and no more of the agent.

In:  the agent's socket; where and whose the container's socket is.
Out: a socket of our own, which listens until it is closed.

A container that had the agent's own socket could remove or lock the user's keys, add others, and
change the mode of the socket's file. It gets a file of its own, and only the messages that
``agent_protocol`` lets pass reach the agent. Each connection has one of its own to the agent,
made with its first such message.

Security: who connects is hostile. Lengths and the number of connections are bounded; without
bound in time, since an agent may ask its user before it signs.

Concurrency: one thread accepts, and each connection has one.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from jettison.container.agent.protocol import FAILURE, answers_to, receive, send
from jettison.errors import HostError
from jettison.fs.remove import remove_tree

_CONNECTIONS = 64
"""At the same time; others wait in the queue of the kernel."""
_PAUSE_SECONDS = 0.1


class AgentProxy:
    """One listening socket; a context manager.

    Args:
        agent: The agent's socket.
        directory: Is made anew for the socket, and removed with it.
        mode: Permissions of the socket.
        owner: User and group that the socket belongs to; None leaves it this process's.

    Raises:
        HostError: the socket cannot be made.
    """

    def __init__(
        self, agent: Path, directory: Path, *, mode: int, owner: tuple[int, int] | None
    ) -> None:
        self._agent = agent
        self._directory = directory
        self.path = directory / "socket"
        self._lock = threading.Lock()
        self._open: set[socket.socket] | None = set()
        self._free = threading.Semaphore(_CONNECTIONS)
        try:
            remove_tree(directory)  # of a process that was killed
            self._listener = _listen(self.path, mode, owner)
        except OSError as error:
            remove_tree(directory)
            raise HostError(f"cannot make a socket at `{self.path}`: {error.strerror}") from error
        self._thread = threading.Thread(target=self._accept, name="ssh-agent", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End all connections and remove the socket."""
        with self._lock:  # nobody closes one meanwhile, and its number is of no other file
            connections, self._open = self._open, None
            for connection in (self._listener, *(connections or ())):
                _shut(connection)
        self._free.release()
        self._thread.join()
        self._listener.close()
        remove_tree(self._directory)

    def _accept(self) -> None:
        while True:
            self._free.acquire()
            try:
                client, _ = self._listener.accept()
            except OSError:
                self._free.release()
                if self._open is None:
                    return
                time.sleep(_PAUSE_SECONDS)  # too many open files
                continue
            thread = threading.Thread(target=self._serve, args=(client,), daemon=True)
            try:
                thread.start()
            except RuntimeError:  # the system gives no thread
                client.close()
                self._free.release()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), self._holding(client):
            agent: socket.socket | None = None
            with contextlib.ExitStack() as stack:
                while request := receive(client):
                    allowed = answers_to(request)
                    if allowed and agent is None:
                        agent = stack.enter_context(self._holding(_connect(self._agent)))
                    answer = _ask(agent, request, allowed) if agent is not None else FAILURE
                    send(client, answer)
        self._free.release()

    @contextlib.contextmanager
    def _holding(self, connection: socket.socket) -> Iterator[socket.socket]:
        """Close a connection after the block; it ends early when this is closed."""
        with connection:
            with self._lock:
                if self._open is None:
                    raise OSError("closed")
                self._open.add(connection)
            try:
                yield connection
            finally:
                with self._lock:
                    if self._open is not None:
                        self._open.discard(connection)


def _ask(agent: socket.socket, request: bytes, allowed: frozenset[int]) -> bytes:
    """Return the agent's answer to a request, a failure where none is allowed.

    Raises:
        OSError: the agent is gone.
        ValueError: what it says is no message.
    """
    if not allowed:
        return FAILURE
    send(agent, request)
    answer = receive(agent)
    if answer is None:
        raise OSError("the agent closed the connection")
    return answer if answer[0] in allowed else FAILURE


def _listen(path: Path, mode: int, owner: tuple[int, int] | None) -> socket.socket:
    path.parent.mkdir(0o700)
    listener = socket.socket(socket.AF_UNIX)
    try:
        with _short(path) as short:
            listener.bind(short)
        if owner is not None:
            os.chown(path, *owner)
        os.chmod(path, mode)
        listener.listen(_CONNECTIONS)
    except BaseException:
        listener.close()
        raise
    return listener


def _connect(path: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    try:
        with _short(path) as short:
            connection.connect(short)
    except BaseException:
        connection.close()
        raise
    return connection


@contextlib.contextmanager
def _short(path: Path) -> Iterator[str]:
    """Yield a name of a path that is short enough for an address, for the time of the block."""
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)


def _shut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it ended by itself meanwhile
        connection.shutdown(socket.SHUT_RDWR)

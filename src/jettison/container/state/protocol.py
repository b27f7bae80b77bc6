"""What is said on the control socket of a container, by both sides.

In:  requests of commands, one for each connection; of a process that joins, signals after it.
Out: answers of the process that keeps the container running.

Each message is one packet of a ``SOCK_SEQPACKET`` socket. The end of the connection without
``Ended`` means that the other process was killed, and the container with it.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import msgspec

from jettison.container.state.document import decode, encode
from jettison.errors import ContainerError, JettisonError, UsageError

_SOCKET = "control"
_MESSAGE = 1 << 18
_DESCRIPTORS = 3


class Signal(msgspec.Struct, frozen=True, tag=True):
    """Send a signal to the container's program, or to the process that this connection started."""

    number: int


class Watch(msgspec.Struct, frozen=True, tag=True):
    """Say when the container has ended."""


class Execute(msgspec.Struct, frozen=True, tag=True):
    """Run another process in the container; its three streams come with the message.

    Args:
        argv: Program and arguments.
        env: Variables besides the container's.
        user, workdir: Empty are the container's.
        terminal: All streams are one end of a socket, see ``sandbox.base.Streams``.
        rows, columns: Of the terminal.
    """

    argv: tuple[str, ...]
    env: tuple[str, ...] = ()
    user: str = ""
    workdir: str = ""
    terminal: bool = False
    rows: int = 24
    columns: int = 80


class OpenRoot(msgspec.Struct, frozen=True, tag=True):
    """Send the root directory of the container."""


class OpenInput(msgspec.Struct, frozen=True, tag=True):
    """Send what the container's input is written to: a pipe, or the other side of its terminal.

    No descriptor comes where it has neither.
    """


class EndInput(msgspec.Struct, frozen=True, tag=True):
    """Let the container see the end of its input."""


Request = Signal | Watch | Execute | OpenRoot | OpenInput | EndInput


class Done(msgspec.Struct, frozen=True, tag=True):
    """What was asked for was done; a descriptor may come with it."""


class Executing(msgspec.Struct, frozen=True, tag=True):
    """The process that was asked for was found."""


class Ended(msgspec.Struct, frozen=True, tag=True):
    """The container, or the process that this connection started, has ended."""

    exit_code: int


class Refused(msgspec.Struct, frozen=True, tag=True):
    """What was asked for could not be done."""

    message: str
    hint: str | None = None


Answer = Done | Executing | Ended | Refused


class Connection:
    """One end; use it as a context manager.

    Args:
        link: The socket.
    """

    def __init__(self, link: socket.socket) -> None:
        self._link = link

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Say nothing more."""
        self._link.close()

    def fileno(self) -> int:
        """Return the descriptor, for poll(2)."""
        return self._link.fileno()

    def send(self, message: Request | Answer, descriptors: tuple[int, ...] = ()) -> None:
        """Send a message, and descriptors with it.

        Raises:
            UsageError: it is too long.
            OSError: nobody reads.
        """
        data = encode(message)
        if len(data) > _MESSAGE >> 1:
            raise UsageError("the arguments and variables are too long", hint="use a file")
        socket.send_fds(self._link, [data], descriptors)

    def request(self) -> tuple[Request | None, list[int]]:
        """Return the next request and what came with it; None at the end.

        Raises:
            ValueError: it is none.
        """
        data, descriptors = self._receive()
        return (decode(data, Request) if data else None), descriptors  # type: ignore[arg-type]

    def answer(self) -> tuple[Answer | None, list[int]]:
        """Return the next answer and what came with it; None at the end.

        Raises:
            ContainerError: it was refused.
            ValueError: it is none.
        """
        data, descriptors = self._receive()
        found: Answer | None = decode(data, Answer) if data else None  # type: ignore[arg-type]
        if isinstance(found, Refused):
            raise ContainerError(found.message, hint=found.hint)
        return found, descriptors

    def _receive(self) -> tuple[bytes, list[int]]:
        try:
            data, descriptors, _, _ = socket.recv_fds(
                self._link, _MESSAGE, _DESCRIPTORS, socket.MSG_CMSG_CLOEXEC
            )
        except ConnectionError:
            return b"", []
        return data, descriptors


def refusal(error: JettisonError) -> Refused:
    """Return the answer that says what went wrong."""
    return Refused(error.message, error.hint)


def connect(directory: Path) -> Connection | None:
    """Return a connection to whoever keeps a container running; None where nobody does.

    Args:
        directory: Of the container.
    """
    with contextlib.suppress(OSError), _opened(directory) as place:
        link = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            link.connect(f"{place}/{_SOCKET}")
        except OSError:
            link.close()
            raise
        return Connection(link)
    return None


def listen(directory: Path) -> socket.socket:
    """Return a socket that others connect to by the container's directory.

    Raises:
        OSError: it cannot be made.
    """
    link = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        (directory / _SOCKET).unlink(missing_ok=True)  # of one that was killed
        with _opened(directory) as place:
            link.bind(f"{place}/{_SOCKET}")
        link.listen()
    except BaseException:
        link.close()
        raise
    return link


@contextlib.contextmanager
def _opened(directory: Path) -> Iterator[str]:
    """Give a short path of a directory: those of sockets have 108 bytes at most."""
    descriptor = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)

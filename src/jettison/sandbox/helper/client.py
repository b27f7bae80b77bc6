"""The builder's end of the helper: starts it once, hands specs over, follows containers.

In:  encoded specs and streams.
Out: ``RunningContainer``s: their end, the mount points that were made for them.

Concurrency: ``Helper`` is thread-safe. Containers end when the builder does, however it ends.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import sys
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from jettison.errors import SandboxUnavailableError
from jettison.linux.namespace import NEWIPC, NEWNET, NEWNS, NEWPID, NEWUTS
from jettison.linux.userns import remedy
from jettison.sandbox.base import Opened, Streams
from jettison.sandbox.helper.spawn import Spawn
from jettison.sandbox.wire import (
    Chroot,
    Container,
    Executing,
    Exited,
    Failed,
    Ready,
    Runtime,
    Signal,
    Start,
    Watching,
)
from jettison.sandbox.wire_codec import Message, WireError, decode, encode

if TYPE_CHECKING:
    from jettison.sandbox.helper.opens import OpenReader

NAMESPACES = NEWNS | NEWPID | NEWIPC | NEWUTS
_MESSAGE = 1 << 20
_CONTAINERS = (Container, Runtime, Chroot)
_FAILED = 255


class RunningContainer:
    """A started container, seen through its control socket."""

    def __init__(
        self, control: socket.socket, helper: Helper, watched: Sequence[bytes] = ()
    ) -> None:
        self._control = control
        self._watched = watched
        self._opens: OpenReader | None = None
        # The helper ends with its last reference, and all of its containers with it.
        self._helper = helper
        # Re-entrant, because a signal handler may interrupt its own thread.
        self._lock = threading.RLock()
        self.ready = Ready(points=[], parents=[], pid=0)
        self._executes = False
        self._code: int | None = None
        self._problem: SandboxUnavailableError | None = None

    def wait(self) -> int:
        """Wait for the end; return the exit code.

        Raises:
            SandboxUnavailableError: the set-up failed.
        """
        while self._code is None:
            self._receive()
        if self._problem is not None:
            raise self._problem
        return self._code

    def finish_watching(self) -> Opened | None:
        """Return what was opened in the directories of the message that are watched.

        None if there are none, or if nothing could be watched; to be called once, after ``wait``.
        """
        return self._opens.finish() if self._opens is not None else None

    @property
    def refused_pids(self) -> int:
        """See ``Helper.refused_pids``."""
        return self._helper.refused_pids

    def begin(self) -> int | None:
        """Wait until it is set up; return the exit code if it ended before.

        Raises:
            SandboxUnavailableError: the set-up failed.
        """
        self.begin_setup()
        return None if self._code is None else self.wait()

    def begin_setup(self) -> bool:
        """Wait until it is set up, or has ended; tell whether it is set up."""
        before = self.ready
        while self._code is None and self.ready is before:
            self._receive()
        return self.ready is not before

    def begin_program(self) -> bool:
        """Wait until its program is executed, or it has ended; tell whether it is executed.

        Only of a program that is ``announced``.
        """
        while self._code is None and not self._executes:
            self._receive()
        return self._executes

    def _receive(self) -> None:
        """Take in one message."""
        flags = socket.MSG_CMSG_CLOEXEC
        try:
            data, received, _, _ = socket.recv_fds(self._control, _MESSAGE, 1, flags)
        except ConnectionResetError:
            # It was closed with a signal of ours unread: told once, before what it had said.
            data, received, _, _ = socket.recv_fds(self._control, _MESSAGE, 1, flags)
        if not data:
            self._end(
                _FAILED,
                SandboxUnavailableError(
                    "the sandbox helper was killed", hint="Look for the reason in `dmesg`."
                ),
            )
            return
        try:
            message = decode(data)
        except WireError as error:
            self._end(_FAILED, _misread(str(error)))
            return
        match message:
            case Ready() as ready:
                self.ready = ready
            case Watching(watches=watches):
                self._watch(received, watches)
            case Executing():
                self._executes = True
            case Failed() as failure:
                self._problem = _unavailable(failure)
            case Exited() as exited:
                self._end(exited.code, self._problem)
            case other:
                problem = f"`{type(other).__name__}` is nothing that a container says"
                self._end(_FAILED, _misread(problem))

    def _watch(self, received: Sequence[int], watches: Sequence[int]) -> None:
        if received and self._opens is None:
            from jettison.sandbox.helper.opens import OpenReader  # traced builds only

            directories = [os.fsdecode(path) for path in self._watched]
            self._opens = OpenReader(received[0], directories, watches)

    def _end(self, code: int, problem: SandboxUnavailableError | None) -> None:
        self._code, self._problem = code, problem
        self.close()

    def join(self, message: Message, streams: Streams) -> RunningContainer:
        """Start a process that joins the container.

        Args:
            message: What is to run, see ``helper.encode``.
            streams: Stay open here.

        Raises:
            SandboxUnavailableError: the container has ended.
        """
        ours, theirs, spec = _connection(message)
        try:
            descriptors = [streams.stdin, streams.stdout, streams.stderr, theirs.fileno(), spec]
            start = encode(Start(namespaces=0, supervised=False))
            with self._lock:
                socket.send_fds(self._control, [start], descriptors)
        except OSError as error:
            ours.close()
            raise SandboxUnavailableError("the container is not running") from error
        finally:
            os.close(spec)
            theirs.close()
        return RunningContainer(ours, self._helper)

    def signal(self, number: int) -> None:
        """Send a signal to process 1 of the container; nothing happens when it has ended."""
        with self._lock:
            if self._control.fileno() < 0:
                return
            try:
                self._control.send(encode(Signal(number=number)))
            except OSError:
                return

    def close(self) -> None:
        """Lose interest in it: the helper kills it, if it still runs."""
        with self._lock:
            self._control.close()


class Helper:
    """The helper process; started with the first container, or before by ``warm``.

    Args:
        own_pids: It is the first process of a process namespace, so that all of its containers end
            with it even if it is killed: a program with the set-user-ID bit has no parent-death
            signal. A chroot needs to see the processes of the host.
        limited: All of its containers together have the usual number of processes at most, where
            this host and user can limit that.
    """

    def __init__(self, *, own_pids: bool = True, limited: bool = True) -> None:
        self._own_pids = own_pids
        self._limited = limited
        self._spawning: Spawn | None = None
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._pid = 0

    def warm(self) -> None:
        """Start the helper process if it does not run."""
        with self._lock:
            self._connected()

    def start(
        self, message: Message, streams: Streams, *, namespaces: int, supervised: bool = False
    ) -> RunningContainer:
        """Start a container.

        Args:
            message: What is to run, see ``helper.encode``.
            streams: Stay open here.
            namespaces: Flags for clone(2).
            supervised: Its file systems are served by processes beside it.

        Raises:
            SandboxUnavailableError: the helper cannot be started.
        """
        ours, theirs, spec = _connection(message)
        try:
            descriptors = [streams.stdin, streams.stdout, streams.stderr, theirs.fileno(), spec]
            with self._lock:
                self._connected()
                if self._spawning is not None:
                    self._spawning.join()  # it is limited from now on
                start = Start(namespaces=namespaces, supervised=supervised)
                self._send(encode(start), descriptors)
        except BaseException:
            ours.close()
            raise
        finally:
            os.close(spec)
            theirs.close()
        watched = message.attachments.watched if isinstance(message, _CONTAINERS) else []
        return RunningContainer(ours, self, watched)

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """End the helper and everything that it started; a later container starts a new one."""
        with self._lock:
            self._forget()

    @property
    def refused_pids(self) -> int:
        """How many processes of all containers could not be started."""
        return self._spawning.group.refused_pids if self._spawning is not None else 0

    def _send(self, data: bytes, descriptors: list[int]) -> None:
        try:
            socket.send_fds(self._connected(), [data], descriptors)
        except (BrokenPipeError, ConnectionResetError):
            # The helper was killed; nothing of it is left, so that a new one can take over.
            self._forget()
            socket.send_fds(self._connected(), [data], descriptors)

    def _forget(self) -> None:
        if self._socket is None:
            return
        self._socket.close()
        self._socket = None
        with contextlib.suppress(ChildProcessError):  # reaped by somebody who waits for all
            os.waitpid(self._pid, 0)
        if self._spawning is not None:
            self._spawning.join()
            self._spawning.remove()
            self._spawning = None

    def _connected(self) -> socket.socket:
        if self._socket is None:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            try:
                self._spawning = Spawn(
                    theirs.fileno(), own_pids=self._own_pids, limited=self._limited
                )
                self._pid = self._spawning.pid()
            except OSError as error:
                ours.close()
                raise SandboxUnavailableError(
                    f"cannot start the sandbox helper with `{sys.executable}`: {error.strerror}"
                ) from error
            finally:
                theirs.close()
            self._socket = ours
        return self._socket


def _connection(message: Message) -> tuple[socket.socket, socket.socket, int]:
    """Return both ends of a control socket, and the descriptor of a message in memory."""
    data = encode(message)
    spec = os.memfd_create("spec", os.MFD_CLOEXEC)
    with open(spec, "wb", closefd=False) as file:
        file.write(data)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    return ours, theirs, spec


def _misread(problem: str) -> SandboxUnavailableError:
    return SandboxUnavailableError(
        f"the sandbox helper does not speak as this builder does: {problem}",
        hint="Start the build again: Jettison seems to have been replaced while it ran.",
    )


def _unavailable(failure: Failed) -> SandboxUnavailableError:
    code, text = failure.code, failure.text
    hint = None
    if code in {errno.EPERM, errno.EACCES}:
        hint = remedy(text)
    elif code == errno.ENOSPC:
        hint = "Free space on the disk of the store, or raise `user.max_mnt_namespaces`."
    message = f"cannot set up the container: {failure.step}: {text[:1].lower()}{text[1:]}"
    return SandboxUnavailableError(message, hint=hint)


def flags_of(*, own_network: bool) -> int:
    """Return the clone flags of a container."""
    return NAMESPACES | (NEWNET if own_network else 0)

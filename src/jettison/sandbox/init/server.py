"""The loop of the helper: receive what to run, clone, report how it ended.

In:  messages of the builder on one ``SOCK_SEQPACKET`` socket, and of each container's socket.
Out: containers; their exit codes.

Concurrency: one process, one thread. A builder that goes away ends all containers.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import _socket
import errno
import gc
import os
import select
import sys
from _collections_abc import Callable  # the part of `collections` that is here already

from jettison.linux.namespace import NEWNS, NEWPID
from jettison.linux.process import set_dumpable
from jettison.linux.syscall import clone
from jettison.sandbox.init import descriptors, fuse, step
from jettison.sandbox.init.program import END, exit_code, load_responder
from jettison.sandbox.wire import (
    Chroot,
    Container,
    Exited,
    Failed,
    Join,
    Network,
    Runtime,
    Show,
    Signal,
    Start,
)
from jettison.sandbox.wire_codec import Message, WireError, decode, encode

_SIGCHLD = 17
_SIGKILL = 9
_DESCRIPTORS = 5
_CONTROL = 3
_TARGET = 4
_MOST_DESCRIPTORS = 1 << 16


class Server:
    """Containers by their process and by the descriptor of their control socket."""

    def __init__(self, listener: _socket.socket) -> None:
        self._listener = listener
        self._poll = select.poll()
        self._by_pid: dict[int, _socket.socket] = {}
        self._by_control: dict[int, int] = {}
        self._silent: set[int] = set()
        self._supervised: dict[int, _socket.socket] = {}
        self._chroots: set[int] = set()

    def run(self) -> None:
        """Serve until the builder closes its end; then end what still runs."""
        # A supervisor must not miss it before it listens; programs start without a mask.
        _signal.pthread_sigmask(_signal.SIG_BLOCK, {END})
        wake, waker = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        _signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
        _signal.signal(_SIGCHLD, _note)
        self._poll.register(wake, select.POLLIN)
        self._poll.register(self._listener.fileno(), select.POLLIN)
        listening = True
        while listening or self._by_pid:
            for descriptor, _ in self._poll.poll():
                if descriptor == wake:
                    os.read(wake, 4096)
                    self._reap()
                elif descriptor == self._listener.fileno():
                    listening = self._accept()
                elif descriptor in self._by_control:
                    self._command(descriptor)

    def _accept(self) -> bool:
        """Start one container; return False at the end of the builder."""
        data, received = _receive(self._listener)
        if not data:
            self._poll.unregister(self._listener.fileno())
            for pid in self._by_pid:
                self._signal(pid, _SIGKILL)
            return False
        self._start(data, received)
        return True

    def _start(self, data: bytes, received: list[int], joined: int = 0) -> None:
        """Start a container, or a process that joins one.

        Args:
            data: A message ``Start``.
            received: The five descriptors that come with it.
            joined: The first process of that container, or 0.
        """
        stdin, stdout, stderr, control, spec = received
        server = os.getpid()
        target = -1
        link = None
        try:
            step.enter("read what to start")
            start = _read_start(data)
            step.enter("read what to run")
            # Here, where memory is not copied when it is written to, as it is in the clone.
            message = _read_spec(spec)
            run = _runner(message)
            flags, supervised = start.namespaces, start.supervised
            if joined:
                step.enter("join the container")
                target = self._first_process(joined)
            elif supervised:
                link, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
                target = theirs.detach()
            step.enter("clone")
            pid = clone(NEWNS if supervised else flags)
        except WireError as error:
            _refuse(control, Failed(step=step.current(), code=0, text=str(error)))
        except OSError as error:
            text = str(error.strerror)
            _refuse(control, Failed(step=step.current(), code=error.errno or 0, text=text))
        else:
            if pid == 0:
                supervisor = (flags, server) if supervised else None
                _become_container(
                    run, message, (stdin, stdout, stderr), control, supervisor, target
                )
            if link is not None:
                self._supervised[pid] = link
            if not flags & NEWPID and not joined:
                self._chroots.add(pid)
            socket = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET, 0, control)
            self._by_pid[pid] = socket
            self._by_control[control] = pid
            self._poll.register(control, select.POLLIN)
        for descriptor in (stdin, stdout, stderr, spec, target):
            if descriptor >= 0:
                os.close(descriptor)

    def _first_process(self, pid: int) -> int:
        """Return a process descriptor of the first process of a container.

        Args:
            pid: Our child: that process, or one that supervises it.

        Raises:
            OSError: there is none as yet, or it has ended.
        """
        link = self._supervised.get(pid)
        if link is None:
            return os.pidfd_open(pid)
        target = descriptors.receive(link, _socket.MSG_PEEK | _socket.MSG_DONTWAIT)
        if target < 0:
            raise OSError(errno.ESRCH, "the container is not running")
        return target

    def _command(self, descriptor: int) -> None:
        """Take what a builder says to a container: a signal, a process that joins, no interest."""
        pid = self._by_control[descriptor]
        try:
            data, received = _receive(self._by_pid[pid])
        except OSError:
            data, received = b"", []
        if received:
            self._start(data, received, joined=pid)
            return
        if not data:
            self._poll.unregister(descriptor)
            self._silent.add(descriptor)
        number = _read_signal(data)
        if number == _SIGKILL and pid in self._supervised:
            number = END
        self._signal(pid, number)

    def _signal(self, pid: int, number: int) -> None:
        """Send a signal to a container's first process, or kill it with all that it has started."""
        pids = [pid]
        if number == _SIGKILL and pid in self._chroots:  # no process namespace would end with it
            for each in pids:
                pids += _children(each)
        # The process above comes last: if this one is killed meanwhile, that one ends the others.
        for each in reversed(pids):
            try:
                os.kill(each, number)
            except OSError:
                continue

    def _reap(self) -> None:
        while self._by_pid:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            socket = self._by_pid.pop(pid, None)
            if socket is None:
                continue
            link = self._supervised.pop(pid, None)
            if link is not None:
                link.close()
            self._chroots.discard(pid)
            control = socket.fileno()
            del self._by_control[control]
            if control not in self._silent:
                self._poll.unregister(control)
            self._silent.discard(control)
            report(control, Exited(code=exit_code(status)))
            socket.close()


def _children(pid: int) -> list[int]:
    """Return the children of a process; IDs must be those that ``/proc`` shows."""
    found: list[int] = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children", "rb") as file:
                found += map(int, file.read().split())
    except OSError:
        return found
    return found


def _receive(socket: _socket.socket) -> tuple[bytes, list[int]]:
    """Return a short message and the descriptors that come with it: five or none."""
    space = _socket.CMSG_SPACE(_DESCRIPTORS * 4)
    data, ancillary, _, _ = socket.recvmsg(64, space, _socket.MSG_CMSG_CLOEXEC)
    return data, memoryview(ancillary[0][2]).cast("i").tolist() if ancillary else []


def _read_start(data: bytes) -> Start:
    """Return what the builder says on the socket of the helper.

    Raises:
        WireError: it is something else.
    """
    message = decode(data)
    if not isinstance(message, Start):
        raise WireError(f"a `{type(message).__name__}` is nothing to start")
    return message


def _read_spec(descriptor: int) -> Message:
    """Return what is to run, from the start of a file.

    Raises:
        WireError: it is no message.
    """
    return decode(os.pread(descriptor, os.fstat(descriptor).st_size, 0))


def _read_signal(data: bytes) -> int:
    """Return the signal that the builder sends; the end, or what is no signal, is SIGKILL."""
    try:
        message = decode(data)
    except WireError:
        return _SIGKILL
    return message.number if isinstance(message, Signal) else _SIGKILL


def report(control: int, message: Message) -> None:
    """Send a message to the builder, who may be gone."""
    try:
        os.write(control, encode(message))
    except OSError:
        return


def _refuse(control: int, failure: Failed) -> None:
    """Say that a container has not started."""
    report(control, failure)
    report(control, Exited(code=255))
    os.close(control)


def _note(*_: object) -> None:
    """Let the wake-up descriptor see the signal."""


def _become_container(
    run: Callable[..., None],
    message: Message,
    streams: tuple[int, int, int],
    control: int,
    supervisor: tuple[int, int] | None,
    target: int,
) -> None:
    """Run a message in the clone; never returns.

    With ``supervisor``, flags for clone(2) and the server's process ID, it becomes that first.
    ``target`` is what a process that joins a container needs, or a supervisor; or -1.
    """
    step.enter("start")
    try:
        _signal.set_wakeup_fd(-1)
        control = _keep_only(streams, control, target)
        if isinstance(message, (Join, Show)):
            run(message, control, _TARGET)
        if supervisor and isinstance(message, (Container, Runtime)) and message.fuse:
            fuse.supervise(message.fuse, control, *supervisor, _TARGET)
        run(message, control)
    except OSError as error:
        text = f"{error.strerror}" + (
            f": `{os.fsdecode(error.filename)}`" if error.filename else ""
        )
        report(control, Failed(step=step.current(), code=error.errno or 0, text=text))
    except BaseException as error:  # noqa: BLE001 - the only reporter of this process
        text = f"{type(error).__name__}: {error}"
        report(control, Failed(step=step.current(), code=0, text=text))
    finally:
        os._exit(255)


def _runner(message: Message) -> Callable[..., None]:
    """Return what runs a message, imported when it is first needed: once, not in each clone.

    Raises:
        WireError: it is nothing to run.
    """
    match message:
        case Container():
            if message.filters.notify:
                load_responder()
            from jettison.sandbox.init import container

            return container.run
        case Runtime():
            from jettison.sandbox.init import runtime

            return runtime.run
        case Chroot():
            from jettison.sandbox.init import chrooted

            return chrooted.run
        case Network():
            from jettison.sandbox.init import network

            return network.run
        case Join() | Show():
            if isinstance(message, Join) and message.filters.notify:
                load_responder()
            from jettison.sandbox.init.join import process

            return process.run if isinstance(message, Join) else process.show
        case _:
            raise WireError(f"a `{type(message).__name__}` is nothing to run")


def _keep_only(streams: tuple[int, int, int], control: int, target: int) -> int:
    """Leave 0, 1, 2, the control socket and a target open; return the socket's descriptor."""
    # Received descriptors are above those of the helper itself: 0, 1, 2, its socket and two more.
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number, inheritable=True)
    os.dup2(control, _CONTROL, inheritable=False)
    if target >= 0:
        os.dup2(target, _TARGET, inheritable=False)
    os.closerange((_TARGET if target >= 0 else _CONTROL) + 1, _MOST_DESCRIPTORS)
    return _CONTROL


def main() -> None:
    """Serve the socket whose descriptor is in ``argv``.

    Garbage is not collected: there are no cycles worth it, and to look at an object in a clone
    copies the page that it is on.
    """
    gc.disable()
    set_dumpable(value=False)
    os.closerange(int(sys.argv[2]) + 1, _MOST_DESCRIPTORS)
    listener = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET, 0, int(sys.argv[2]))
    os.set_inheritable(listener.fileno(), False)
    Server(listener).run()

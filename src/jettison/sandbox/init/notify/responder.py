"""Responds to seccomp notifications: system calls whose processes wait meanwhile.

In:  the listener of a filter; a descriptor of a ``/proc`` that shows the processes.
Out: calls that succeed or fail as ``fake_chown`` and ``procfs`` say, or that go on in the kernel;
    sockets of ``sockets``.

Who responds must not be filtered itself, since nobody would respond then.

Source: seccomp_unotify(2).
Security: targets have the same rights as this process, so that a path which changes behind
its back leads to nothing that they could not reach themselves.
"""

from __future__ import annotations

import _socket
import errno
import fcntl
import os
import struct
from _collections_abc import Callable

from jettison.linux.process import die_with_parent
from jettison.sandbox.init import descriptors
from jettison.sandbox.init.notify import fake_chown, procfs, sockets
from jettison.sandbox.init.notify.target import AddDescriptor, ContinueCall, NotifyTarget

_RECEIVE = 0xC0502100
_SEND = 0xC0182101
_SET_FLAGS = 0x40082104
_NOTIFICATION = struct.Struct("=QII iIQ 6Q")
_RESPONSE = struct.Struct("=QqiI")
_CONTINUE = 1
_SYNC_WAKE_UP = 1
_GONE = frozenset({errno.ENOENT, errno.EINTR})
_FIRST_KERNEL = (5, 9)

Handler = Callable[[NotifyTarget, int, list[int]], int]

_HANDLERS: dict[int, Handler] = fake_chown.CALLS | procfs.CALLS | sockets.CALLS


def can_add_descriptors() -> bool:
    """Return whether this kernel lets a listener give descriptors away, and calls go on."""
    major, minor = os.uname().release.split(".")[:2]
    digits = "".join(each for each in minor if each.isdigit())
    return (int(major), int(digits or 0)) >= _FIRST_KERNEL


def start(install: Callable[[], int], proc: int) -> None:
    """Start a process that responds, then have this one filtered.

    Args:
        install: Installs the filter in this process; returns the descriptor of its listener.
        proc: Descriptor of ``/proc``; closed here.

    Raises:
        OSError: of ``install``; no process is left then.
    """
    here, there = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
    pid = os.fork()
    if pid == 0:
        try:
            die_with_parent()
            there.close()
            for descriptor in (0, 1, 2, 3):
                if descriptor not in {here.fileno(), proc}:
                    os.close(descriptor)
            listener = descriptors.receive(here)
            here.close()
            if listener >= 0:
                serve(listener, proc)
        finally:
            os._exit(0)
    here.close()
    os.close(proc)
    try:
        descriptors.send(there, install())
    except OSError:
        there.close()
        os.waitpid(pid, 0)
        raise
    there.close()


def serve(listener: int, proc: int, more: dict[int, Handler] | None = None) -> None:
    """Respond until this process ends; ``/proc`` becomes its working directory.

    Args:
        listener: Descriptor of a filter.
        proc: Descriptor of ``/proc``.
        more: Handlers of some calls, instead of the usual ones.
    """
    handlers = {**_HANDLERS, **(more or {})}
    try:
        os.fchdir(proc)
        try:  # noqa: SIM105 - contextlib is not loaded here
            fcntl.ioctl(listener, _SET_FLAGS, _SYNC_WAKE_UP)
        except OSError:
            pass  # since Linux 6.6, and only faster
        while True:
            _respond(listener, handlers)
    finally:
        os.close(listener)  # calls fail with ENOSYS then


def _respond(listener: int, handlers: dict[int, Handler]) -> None:
    data = bytearray(_NOTIFICATION.size)
    try:
        fcntl.ioctl(listener, _RECEIVE, data)
    except OSError as error:
        if error.errno in _GONE:
            return
        raise
    number, pid, _, call, _, _, *arguments = _NOTIFICATION.unpack(data)
    value, code, flags = 0, 0, 0
    target = NotifyTarget(pid, listener, number)
    try:
        value = handlers.get(call, _continue)(target, call, arguments)
    except ContinueCall:
        flags = _CONTINUE
    except AddDescriptor as added:
        value, code, flags = _add_descriptor(target, added)
    except OSError as error:
        code = -(error.errno or errno.EIO)
    except Exception:  # noqa: BLE001 - one strange call must not end the responses to all others
        code = -errno.EIO
    try:
        fcntl.ioctl(listener, _SEND, _RESPONSE.pack(number, value, code, flags))
    except OSError as error:
        if error.errno not in _GONE:
            raise


def _continue(_target: NotifyTarget, _call: int, _arguments: list[int]) -> int:
    raise ContinueCall


def _add_descriptor(target: NotifyTarget, added: AddDescriptor) -> tuple[int, int, int]:
    """Give the process a descriptor; return value, error and flags of the response."""
    try:
        return target.add_descriptor(added.descriptor, closes=added.closes), 0, 0
    except OSError as error:
        return (0, -(error.errno or errno.EIO), 0) if added.required else (0, 0, _CONTINUE)
    finally:
        os.close(added.descriptor)

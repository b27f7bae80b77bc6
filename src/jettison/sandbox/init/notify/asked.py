"""Answers the system calls that a filter asks about, for processes that wait meanwhile.

In:  the listener of a filter; a descriptor of a ``/proc`` that shows the processes.
Out: calls that succeed or fail as ``chowns`` and ``procfs`` say, or that the kernel makes itself;
    sockets of ``sockets``.

Whoever answers must not be asked itself, since nobody would answer then.

Source: seccomp_unotify(2).
Security: those who ask have the same rights as this process, so that a path which changes behind
its back leads to nothing that they could not reach themselves.
"""

from __future__ import annotations

import _socket
import errno
import fcntl
import os
import struct
from collections.abc import Callable

from jettison.linux.process import die_with_parent
from jettison.sandbox.init.notify import chowns, procfs, sockets
from jettison.sandbox.init.notify.asker import Asker, Kernel, Opened

_RECEIVE = 0xC0502100
_SEND = 0xC0182101
_SET_FLAGS = 0x40082104
_REQUEST = struct.Struct("=QII iIQ 6Q")
_ANSWER = struct.Struct("=QqiI")
_CONTINUE = 1
_SYNC_WAKE_UP = 1
_GONE = frozenset({errno.ENOENT, errno.EINTR})
_FIRST_KERNEL = (5, 9)

Call = Callable[[Asker, int, list[int]], int]

_ANSWERS: dict[int, Call] = chowns.CALLS | procfs.CALLS | sockets.CALLS


def can_open() -> bool:
    """Return whether this kernel lets a listener give descriptors away, and calls go on."""
    major, minor = os.uname().release.split(".")[:2]
    digits = "".join(each for each in minor if each.isdigit())
    return (int(major), int(digits or 0)) >= _FIRST_KERNEL


def watch(install: Callable[[], int], proc: int) -> None:
    """Start a process that answers, then have this one filtered.

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
            listener = receive(here)
            if listener >= 0:
                serve(listener, proc)
        finally:
            os._exit(0)
    here.close()
    os.close(proc)
    try:
        send(there, install())
    except OSError:
        there.close()
        os.waitpid(pid, 0)
        raise
    there.close()


def send(socket: _socket.socket, listener: int) -> None:
    """Hand a listener over; it is closed here."""
    rights = (_socket.SOL_SOCKET, _socket.SCM_RIGHTS, struct.pack("=i", listener))
    socket.sendmsg([b"."], [rights])
    os.close(listener)


def receive(socket: _socket.socket) -> int:
    """Return the listener that is handed over; -1 when there is none."""
    _, ancillary, _, _ = socket.recvmsg(1, _socket.CMSG_SPACE(4), _socket.MSG_CMSG_CLOEXEC)
    socket.close()
    return struct.unpack("=i", ancillary[0][2])[0] if ancillary else -1


def serve(listener: int, proc: int, more: dict[int, Call] | None = None) -> None:
    """Answer until this process ends; ``/proc`` becomes its working directory.

    Args:
        listener: Descriptor of a filter.
        proc: Descriptor of ``/proc``.
        more: What answers some calls instead of what usually does.
    """
    answers = {**_ANSWERS, **(more or {})}
    try:
        os.fchdir(proc)
        try:  # noqa: SIM105 - contextlib is not loaded here
            fcntl.ioctl(listener, _SET_FLAGS, _SYNC_WAKE_UP)
        except OSError:
            pass  # since Linux 6.6, and only faster
        while True:
            _answer(listener, answers)
    finally:
        os.close(listener)  # calls fail with ENOSYS then


def _answer(listener: int, answers: dict[int, Call]) -> None:
    data = bytearray(_REQUEST.size)
    try:
        fcntl.ioctl(listener, _RECEIVE, data)
    except OSError as error:
        if error.errno in _GONE:
            return
        raise
    number, pid, _, call, _, _, *arguments = _REQUEST.unpack(data)
    value, code, flags = 0, 0, 0
    asker = Asker(pid, listener, number)
    try:
        value = answers.get(call, _pass_on)(asker, call, arguments)
    except Kernel:
        flags = _CONTINUE
    except Opened as opened:
        value, code, flags = _hand_over(asker, opened)
    except OSError as error:
        code = -(error.errno or errno.EIO)
    except Exception:  # noqa: BLE001 - one strange call must not end the answers to all others
        code = -errno.EIO
    try:
        fcntl.ioctl(listener, _SEND, _ANSWER.pack(number, value, code, flags))
    except OSError as error:
        if error.errno not in _GONE:
            raise


def _pass_on(_asker: Asker, _call: int, _arguments: list[int]) -> int:
    raise Kernel


def _hand_over(asker: Asker, opened: Opened) -> tuple[int, int, int]:
    """Give the process a descriptor; return value, error and flags of the answer."""
    try:
        return asker.give(opened.descriptor, closes=opened.closes), 0, 0
    except OSError as error:
        return (0, -(error.errno or errno.EIO), 0) if opened.required else (0, 0, _CONTINUE)
    finally:
        os.close(opened.descriptor)

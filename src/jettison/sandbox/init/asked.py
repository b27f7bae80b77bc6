"""Answers the system calls that a filter asks about, for processes that wait meanwhile.

In:  the listener of a filter; a descriptor of a ``/proc`` that shows the processes.
Out: calls that succeed or fail as ``chowns`` and ``procfs`` say, or that the kernel makes itself.

Whoever answers must not be asked itself, since nobody would answer then.

Source: seccomp_unotify(2).
Security: those who ask have the same rights as this process, so that a path which changes behind
its back leads to nothing that they could not reach themselves.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from collections.abc import Callable

from jettison.linux.process import die_with_parent
from jettison.sandbox.init import chowns, procfs
from jettison.sandbox.init.asker import Asker, Kernel, Opened

_RECEIVE = 0xC0502100
_SEND = 0xC0182101
_ADD_DESCRIPTOR = 0x40182103
_SET_FLAGS = 0x40082104
_REQUEST = struct.Struct("=QII iIQ 6Q")
_ANSWER = struct.Struct("=QqiI")
_DESCRIPTOR = struct.Struct("=QIIII")
_CONTINUE = 1
_SYNC_WAKE_UP = 1
_GONE = frozenset({errno.ENOENT, errno.EINTR})
_FIRST_KERNEL = (5, 9)

_ANSWERS: dict[int, Callable[[Asker, int, list[int]], int]] = chowns.CALLS | procfs.CALLS


def can_open() -> bool:
    """Return whether this kernel lets a listener give descriptors away, and calls go on."""
    major, minor = os.uname().release.split(".")[:2]
    digits = "".join(each for each in minor if each.isdigit())
    return (int(major), int(digits or 0)) >= _FIRST_KERNEL


def watch(listener: int, proc: int) -> int:
    """Start a process that answers; return its id.

    Args:
        listener: Descriptor of a filter that does not ask about open(2); closed here.
        proc: Descriptor of ``/proc``; closed here.
    """
    pid = os.fork()
    if pid == 0:
        try:
            die_with_parent()
            for descriptor in (0, 1, 2, 3):
                if descriptor not in {listener, proc}:
                    os.close(descriptor)
            serve(listener, proc)
        finally:
            os._exit(0)
    os.close(listener)
    os.close(proc)
    return pid


def serve(listener: int, proc: int) -> None:
    """Answer until this process ends; ``/proc`` becomes its working directory."""
    try:
        os.fchdir(proc)
        try:  # noqa: SIM105 - contextlib is not loaded here
            fcntl.ioctl(listener, _SET_FLAGS, _SYNC_WAKE_UP)
        except OSError:
            pass  # since Linux 6.6, and only faster
        while True:
            _answer(listener)
    finally:
        os.close(listener)  # calls fail with ENOSYS then


def _answer(listener: int) -> None:
    data = bytearray(_REQUEST.size)
    try:
        fcntl.ioctl(listener, _RECEIVE, data)
    except OSError as error:
        if error.errno in _GONE:
            return
        raise
    number, pid, _, call, _, _, *arguments = _REQUEST.unpack(data)
    value, code, flags = 0, 0, 0
    try:
        value = _ANSWERS[call](Asker(pid, listener, number), call, arguments)
    except Kernel:
        flags = _CONTINUE
    except Opened as opened:
        value, flags = _hand_over(listener, number, opened)
    except OSError as error:
        code = -(error.errno or errno.EIO)
    except Exception:  # noqa: BLE001 - one strange call must not end the answers to all others
        code = -errno.EIO
    try:
        fcntl.ioctl(listener, _SEND, _ANSWER.pack(number, value, code, flags))
    except OSError as error:
        if error.errno not in _GONE:
            raise


def _hand_over(listener: int, number: int, opened: Opened) -> tuple[int, int]:
    """Give the process a descriptor; return its number and flags of the answer."""
    try:
        flags = os.O_CLOEXEC if opened.closes else 0
        request = bytearray(_DESCRIPTOR.pack(number, 0, opened.descriptor, 0, flags))
        return fcntl.ioctl(listener, _ADD_DESCRIPTOR, request), 0
    except OSError:
        return 0, _CONTINUE
    finally:
        os.close(opened.descriptor)

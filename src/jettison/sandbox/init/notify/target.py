"""The target of a seccomp notification, a process that waits in a call: its memory and rights.

In:  its id, addresses. Out: texts; bytes written; exceptions that stand for other responses.

The working directory is ``/proc``.

Source: seccomp_unotify(2), proc(5), setfsuid(2).
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from _collections_abc import Callable

from jettison.linux.syscall import libc

_IS_VALID = 0x40082102
_ADD_DESCRIPTOR = 0x40182103
_DESCRIPTOR = struct.Struct("=QIIII")
_MAX_PATH = 4096


class ContinueCall(Exception):  # noqa: N818 - a response
    """The kernel goes on with the call as it is (SECCOMP_USER_NOTIF_FLAG_CONTINUE)."""


class AddDescriptor(Exception):  # noqa: N818 - a response
    """The process gets a descriptor, which is what the call returns (SECCOMP_IOCTL_NOTIF_ADDFD).

    Args:
        descriptor: Of this process; whoever catches this closes it.
        closes: Whether executing a program closes the process's.
        required: The kernel must not make the call where the process cannot be given it.
    """

    def __init__(self, descriptor: int, *, closes: bool, required: bool = False) -> None:
        self.descriptor = descriptor
        self.closes = closes
        self.required = required


class NotifyTarget:
    """The thread that made a call.

    Args:
        pid: Its id.
        listener: Of its filter.
        number: Of the notification.
    """

    def __init__(self, pid: int, listener: int, number: int) -> None:
        self.pid = pid
        self._listener = listener
        self._number = number

    def first_bytes(self, address: int, count: int) -> bytes:
        """Return the first bytes of a text; empty where that cannot be read."""
        try:
            memory = self._memory(os.O_RDONLY)
        except OSError:
            return b""
        try:
            return os.pread(memory, count, address)
        except OSError:
            return b""
        finally:
            os.close(memory)

    def path(self, address: int) -> bytes:
        """Return a path; pages may end behind it.

        Raises:
            OSError: EFAULT, ENAMETOOLONG as the call would; EPERM, this process may not look.
        """
        memory = self._memory(os.O_RDONLY)
        text = b""
        try:
            while b"\0" not in text and len(text) < _MAX_PATH:
                here = address + len(text)
                piece = os.pread(memory, _MAX_PATH - here % _MAX_PATH, here)
                if not piece:
                    raise OSError(errno.EFAULT, "")
                text += piece
        finally:
            os.close(memory)
        name, end, _ = text.partition(b"\0")
        if not end or len(name) >= _MAX_PATH:
            raise OSError(errno.ENAMETOOLONG, "")
        return name

    def write(self, address: int, data: bytes) -> None:
        """Write into its memory, if it waits still.

        Raises:
            OSError: it does not, or has no such memory.
        """
        memory = self._memory(os.O_RDWR)
        try:
            fcntl.ioctl(self._listener, _IS_VALID, struct.pack("=Q", self._number))
            os.pwrite(memory, data, address)
        finally:
            os.close(memory)

    def add_descriptor(self, descriptor: int, *, closes: bool) -> int:
        """Give the process a copy of a descriptor; return its number there.

        Raises:
            OSError: it waits no more, or has as many descriptors as it may.
        """
        flags = os.O_CLOEXEC if closes else 0
        request = bytearray(_DESCRIPTOR.pack(self._number, 0, descriptor, 0, flags))
        return int(fcntl.ioctl(self._listener, _ADD_DESCRIPTOR, request))

    def open(self, path: bytes, flags: int) -> int:
        """Open a path with the rights of the process; return the descriptor."""
        found: list[int] = []
        self._as_itself(lambda: found.append(os.open(path, flags | os.O_CLOEXEC)))
        return found[0]

    def readlink(self, path: bytes) -> bytes:
        """Return the target of a link with the rights of the process."""
        found: list[bytes] = []
        self._as_itself(lambda: found.append(os.readlink(path)))
        return found[0]

    def _as_itself(self, do: Callable[[], None]) -> None:
        """Do something; without the right to, as the user and group of the process.

        A process may look into others of its user only, unless it has CAP_SYS_PTRACE.
        """
        own = os.geteuid(), os.getegid()
        try:
            do()
        except PermissionError:
            st = os.stat(b"%d" % self.pid)
            if own[0] or st.st_uid == own[0]:
                raise
        else:
            return
        libc("setfsgid", st.st_gid)
        libc("setfsuid", st.st_uid)
        try:
            do()
        finally:
            libc("setfsuid", own[0])
            libc("setfsgid", own[1])

    def _memory(self, flags: int) -> int:
        return self.open(b"%d/mem" % self.pid, flags)

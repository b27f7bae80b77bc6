"""``/proc`` for processes in a chroot, where it cannot be mounted: calls that open it notify us.

In:  open(2), openat(2), readlink(2), readlinkat(2) of processes that wait.
Out: descriptors of the real ``/proc`` and targets of its links; all other calls go on as they are.

What is relative to a descriptor of ``/proc`` is the kernel's to answer. ``/dev/fd`` and
``/dev/stdin`` and so on lead into ``/proc`` too. Calls that take a path and open nothing, such as
stat(2), see the few files that ``driver.chroot_files`` has put there.

Source: proc(5), open(2).
Security: there is no isolation in a chroot; what is opened, the process could open outside.
"""

from __future__ import annotations

import errno
import fcntl
import os
from _collections_abc import Callable

from jettison.linux.syscall import MACHINE
from jettison.sandbox.init.notify.target import AddDescriptor, ContinueCall, NotifyTarget

_LONGEST = 8
_NUMBERS = {"open": (2, -1), "openat": (257, 56), "readlink": (89, -1), "readlinkat": (267, 78)}
_COLUMN = {"x86_64": 0, "aarch64": 1}
_STREAMS = {b"/dev/stdin": b"0", b"/dev/stdout": b"1", b"/dev/stderr": b"2"}
_STARTS = (b"/proc/", b"/proc\0", b"/dev/std", b"/dev/fd/")
_LINKS = frozenset({b"self", b"thread-self", b"mounts", b"net"})
_CREATING = os.O_CREAT | os.O_EXCL | os.O_TRUNC
_INT = 0xFFFFFFFF


def _open(target: NotifyTarget, call: int, arguments: list[int]) -> int:
    at = 0 if call == number("open") else 1
    path, _ = _path(target, arguments[at])
    wanted = arguments[at + 1] & _INT
    flags = wanted & ~_CREATING | os.O_NOCTTY | os.O_NONBLOCK
    descriptor = target.open(path, flags)
    try:
        if not wanted & (os.O_NONBLOCK | os.O_PATH):
            now = fcntl.fcntl(descriptor, fcntl.F_GETFL)
            fcntl.fcntl(descriptor, fcntl.F_SETFL, now & ~os.O_NONBLOCK)
    except OSError:
        os.close(descriptor)
        raise
    raise AddDescriptor(descriptor, closes=bool(wanted & os.O_CLOEXEC))


def _readlink(target: NotifyTarget, call: int, arguments: list[int]) -> int:
    at = 0 if call == number("readlink") else 1
    if target.first_bytes(arguments[at], _LONGEST).startswith(b"/dev/std"):
        raise ContinueCall  # these are links on disk
    path, link = _path(target, arguments[at])
    link = link or target.readlink(path)
    size = arguments[at + 2] & _INT
    if not 0 < size <= _INT >> 1:
        raise OSError(errno.EINVAL, "")
    target.write(arguments[at + 1], link[:size])
    return min(len(link), size)


def _path(target: NotifyTarget, address: int) -> tuple[bytes, bytes]:
    """Return where in ``/proc``, the working directory, a path leads.

    Returns:
        The place; and where the link leads, when the path is a link at the top of ``/proc``.

    Raises:
        ContinueCall: it leads elsewhere.
    """
    if not target.first_bytes(address, _LONGEST).startswith(_STARTS):
        raise ContinueCall
    text = target.path(address)
    if text.startswith(b"/dev/"):
        number = _STREAMS.get(text) or text.removeprefix(b"/dev/fd/")
        text = b"/proc/self/fd/" + number
    root, *names = [name for name in text.split(b"/") if name not in {b"", b"."}]
    if root != b"proc" or b".." in names:
        raise ContinueCall
    first = names[0] if names else b""
    if first not in _LINKS:
        return b"/".join(names) or b".", b""
    process, thread = _process(target.pid), b"%d" % target.pid
    link = {b"self": process, b"thread-self": process + b"/task/" + thread}.get(first)
    whole = b"" if len(names) > 1 else link or b"self/" + first
    return b"/".join([link or process + b"/" + first, *names[1:]]), whole


def _process(thread: int) -> bytes:
    """Return the id of the process that a thread is of."""
    with open(b"%d/status" % thread, "rb") as file:
        for line in file:
            if line.startswith(b"Tgid:"):
                return line.split()[1]
    raise ContinueCall


def number(name: str) -> int:
    """Return the number of a call on this machine; -1 for none."""
    return _NUMBERS[name][_COLUMN[MACHINE]] if MACHINE in _COLUMN else -1


_HANDLERS = {"open": _open, "openat": _open, "readlink": _readlink, "readlinkat": _readlink}
CALLS: dict[int, Callable[[NotifyTarget, int, list[int]], int]] = (
    {number(name): handler for name, handler in _HANDLERS.items()} if MACHINE in _COLUMN else {}
)
"""Handlers of calls, by their numbers."""

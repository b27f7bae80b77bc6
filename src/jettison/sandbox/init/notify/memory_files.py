"""Files in chroots whose content is in memory only: who opens one gets a descriptor of it.

In:  paths of files without content, which have the right size, mode and owner; the contents.
Out: descriptors for open(2) and openat(2) of processes that wait, whatever path they used; or the
     contents on disk, where there are no notifications.

openat2(2) seems to be missing, so that programs call openat(2).

Source: memfd_create(2), open(2), seccomp_unotify(2).
Security: a process that may not read the file is refused, as the kernel would. There is no
isolation in a chroot; processes of other architectures find files that are as long and empty.
"""

from __future__ import annotations

import errno
import os
import stat
from _collections_abc import Callable

from jettison.sandbox.init.notify import procfs
from jettison.sandbox.init.notify.target import AddDescriptor, NotifyTarget
from jettison.sandbox.wire import MemoryFile

_HERE = -100
_INT = 0xFFFFFFFF
_PASSED = os.O_ACCMODE | os.O_APPEND | os.O_TRUNC | os.O_NONBLOCK
_EXCLUSIVE = os.O_CREAT | os.O_EXCL
_OPENAT2 = 437

Handler = Callable[[NotifyTarget, int, list[int]], int]


class MemoryFiles:
    """The files of one container.

    Args:
        files: Their paths are those of the host.
    """

    def __init__(self, files: list[MemoryFile]) -> None:
        self._files: dict[tuple[int, int], int] = {}
        for each in files:
            st = os.lstat(each.path)
            memory = os.memfd_create("file", os.MFD_CLOEXEC)
            with open(memory, "wb", closefd=False) as file:
                file.write(each.content)
            os.fchmod(memory, stat.S_IMODE(st.st_mode))
            try:  # noqa: SIM105 - contextlib is not loaded here
                os.fchown(memory, st.st_uid, st.st_gid)
            except OSError:
                pass  # there is one user
            self._files[st.st_dev, st.st_ino] = memory

    def calls(self) -> dict[int, Handler]:
        """Return handlers of calls, by their numbers."""
        found: dict[int, Handler] = {_OPENAT2: _missing} if self._files else {}
        for at, name in enumerate(("open", "openat")):
            number = procfs.number(name)
            if self._files and number in procfs.CALLS:
                found[number] = self._handler(at, procfs.CALLS[number])
        return found

    def _handler(self, at: int, usual: Handler) -> Handler:
        def handle(target: NotifyTarget, call: int, arguments: list[int]) -> int:
            directory = _signed(arguments[0]) if at else _HERE
            self._open(target, directory, arguments[at], arguments[at + 1] & _INT)
            return usual(target, call, arguments)

        return handle

    def _open(self, target: NotifyTarget, directory: int, address: int, flags: int) -> None:
        """Respond with a descriptor when the file is one of these.

        Raises:
            AddDescriptor: it is.
            OSError: it is, and the process may not have it like that.
        """
        if flags & (os.O_PATH | os.O_DIRECTORY):
            return
        st = _look_up(target, directory, address, flags & os.O_NOFOLLOW)
        memory = None if st is None else self._files.get((st.st_dev, st.st_ino))
        if memory is None or st is None:
            return
        if flags & _EXCLUSIVE == _EXCLUSIVE:
            raise OSError(errno.EEXIST, "")
        if not _may(target, st, flags & os.O_ACCMODE):
            raise OSError(errno.EACCES, "")
        descriptor = os.open(b"self/fd/%d" % memory, flags & _PASSED | os.O_CLOEXEC)
        raise AddDescriptor(descriptor, closes=bool(flags & os.O_CLOEXEC), required=True)


def write_all(files: list[MemoryFile], root: bytes) -> None:
    """Give files their contents on disk: nobody is notified of opens here.

    Args:
        files: Their paths are those of the host.
        root: What is ``/`` now.

    Raises:
        OSError: one cannot be written.
    """
    for each in files:
        path = each.path.removeprefix(root)
        mode = stat.S_IMODE(os.lstat(path).st_mode)
        os.chmod(path, 0o600)
        with open(os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "wb") as file:
            file.write(each.content)
        os.chmod(path, mode)


def _look_up(
    target: NotifyTarget, directory: int, address: int, nofollow: int
) -> os.stat_result | None:
    """Return the stat result of what a path of the process leads to, or None."""
    opened: list[int] = []
    flags = os.O_PATH | os.O_CLOEXEC
    try:
        path = target.path(address)
        base = None
        if not path.startswith(b"/"):
            place = b"cwd" if directory == _HERE else b"fd/%d" % directory
            base = target.open(b"%d/%s" % (target.pid, place), flags)
            opened.append(base)
        opened.append(os.open(path, flags | nofollow, dir_fd=base))
        return os.fstat(opened[-1])
    except OSError:
        return None  # the kernel will say what is wrong
    finally:
        for descriptor in opened:
            os.close(descriptor)


def _may(target: NotifyTarget, st: os.stat_result, access: int) -> bool:
    """Tell whether the process may read or write a file, by its mode."""
    process = os.stat(b"%d" % target.pid)
    if process.st_uid == 0:
        return True
    mode = st.st_mode
    if process.st_uid == st.st_uid:
        mode >>= 6
    elif process.st_gid == st.st_gid:
        mode >>= 3
    wanted = {os.O_RDONLY: 4, os.O_WRONLY: 2}.get(access, 6)
    return mode & wanted == wanted


def _missing(_target: NotifyTarget, _call: int, _arguments: list[int]) -> int:
    raise OSError(errno.ENOSYS, "")


def _signed(value: int) -> int:
    value &= _INT
    return value - (1 << 32) if value >> 31 else value

"""Files in chroots whose content is in memory only: who opens one gets a descriptor of it.

In:  paths of files without content, which have the right size, mode and owner; the contents.
Out: answers to open(2) and openat(2) of processes that wait, whatever path they used; or the
     contents on disk, where nobody can be asked.

openat2(2) seems to be missing, so that programs call openat(2).

Source: memfd_create(2), open(2), seccomp_unotify(2).
Security: a process that may not read the file is refused, as the kernel would. There is no
isolation in a chroot; processes of other architectures find files that are as long and empty.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable

from jettison.sandbox.init.notify import procfs
from jettison.sandbox.init.notify.asker import Asker, Opened

_HERE = -100
_INT = 0xFFFFFFFF
_PASSED = os.O_ACCMODE | os.O_APPEND | os.O_TRUNC | os.O_NONBLOCK
_EXCLUSIVE = os.O_CREAT | os.O_EXCL
_OPENAT2 = 437

Call = Callable[[Asker, int, list[int]], int]


class MemoryFiles:
    """The files of one container.

    Args:
        files: Path on the host and content of each.
    """

    def __init__(self, files: list[tuple[bytes, bytes]]) -> None:
        self._held: dict[tuple[int, int], int] = {}
        for path, content in files:
            facts = os.lstat(path)
            held = os.memfd_create("file", os.MFD_CLOEXEC)
            with open(held, "wb", closefd=False) as file:
                file.write(content)
            os.fchmod(held, stat.S_IMODE(facts.st_mode))
            try:  # noqa: SIM105 - contextlib is not loaded here
                os.fchown(held, facts.st_uid, facts.st_gid)
            except OSError:
                pass  # there is one user
            self._held[facts.st_dev, facts.st_ino] = held

    def calls(self) -> dict[int, Call]:
        """Return what answers calls, by their numbers."""
        found: dict[int, Call] = {_OPENAT2: _missing} if self._held else {}
        for at, name in enumerate(("open", "openat")):
            number = procfs.number(name)
            if self._held and number in procfs.CALLS:
                found[number] = self._answering(at, procfs.CALLS[number])
        return found

    def _answering(self, at: int, usual: Call) -> Call:
        def answer(asker: Asker, call: int, arguments: list[int]) -> int:
            directory = _signed(arguments[0]) if at else _HERE
            self._open(asker, directory, arguments[at], arguments[at + 1] & _INT)
            return usual(asker, call, arguments)

        return answer

    def _open(self, asker: Asker, directory: int, address: int, flags: int) -> None:
        """Answer with a descriptor when the file is one of these.

        Raises:
            Opened: it is.
            OSError: it is, and the process may not have it like that.
        """
        if flags & (os.O_PATH | os.O_DIRECTORY):
            return
        facts = _look_up(asker, directory, address, flags & os.O_NOFOLLOW)
        held = None if facts is None else self._held.get((facts.st_dev, facts.st_ino))
        if held is None or facts is None:
            return
        if flags & _EXCLUSIVE == _EXCLUSIVE:
            raise OSError(errno.EEXIST, "")
        if not _may(asker, facts, flags & os.O_ACCMODE):
            raise OSError(errno.EACCES, "")
        descriptor = os.open(b"self/fd/%d" % held, flags & _PASSED | os.O_CLOEXEC)
        raise Opened(descriptor, closes=bool(flags & os.O_CLOEXEC), required=True)


def write_all(files: list[tuple[bytes, bytes]]) -> None:
    """Give files their contents on disk: nobody answers here.

    Raises:
        OSError: one cannot be written.
    """
    for path, content in files:
        mode = stat.S_IMODE(os.lstat(path).st_mode)
        os.chmod(path, 0o600)
        with open(os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "wb") as file:
            file.write(content)
        os.chmod(path, mode)


def _look_up(asker: Asker, directory: int, address: int, nofollow: int) -> os.stat_result | None:
    """Return the facts of what a path of the process leads to, or None."""
    opened: list[int] = []
    flags = os.O_PATH | os.O_CLOEXEC
    try:
        path = asker.text(address)
        base = None
        if not path.startswith(b"/"):
            place = b"cwd" if directory == _HERE else b"fd/%d" % directory
            base = asker.open(b"%d/%s" % (asker.pid, place), flags)
            opened.append(base)
        opened.append(os.open(path, flags | nofollow, dir_fd=base))
        return os.fstat(opened[-1])
    except OSError:
        return None  # the kernel will say what is wrong
    finally:
        for descriptor in opened:
            os.close(descriptor)


def _may(asker: Asker, facts: os.stat_result, access: int) -> bool:
    """Tell whether the process may read or write a file, by its mode."""
    process = os.stat(b"%d" % asker.pid)
    if process.st_uid == 0:
        return True
    mode = facts.st_mode
    if process.st_uid == facts.st_uid:
        mode >>= 6
    elif process.st_gid == facts.st_gid:
        mode >>= 3
    wanted = {os.O_RDONLY: 4, os.O_WRONLY: 2}.get(access, 6)
    return mode & wanted == wanted


def _missing(_asker: Asker, _call: int, _arguments: list[int]) -> int:
    raise OSError(errno.ENOSYS, "")


def _signed(value: int) -> int:
    value &= _INT
    return value - (1 << 32) if value >> 31 else value

"""Notes what processes would have given away, where there is one user only.

In:  the listener of a system call filter: calls of chown(2) and its kin, whose processes wait.
Out: notes in attributes (``linux.owner_notes``); the calls succeed, or fail as they should.

It runs in a process of its own, inside the root file system and the process namespace of what it
watches, with a descriptor of ``/proc``. When it ends, the calls fail with ENOSYS.

Source: seccomp_unotify(2), chown(2).
Security: all processes here have the same rights on files as this one, so that a path which
changes behind its back leads to nothing that they could not do themselves.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import struct

from jettison.linux.owner_notes import read_note, write_link_owner, write_note
from jettison.linux.process import die_with_parent
from jettison.linux.syscall import MACHINE

_RECEIVE = 0xC0502100
_SEND = 0xC0182101
_REQUEST = struct.Struct("=QII iIQ 6Q")
_ANSWER = struct.Struct("=Qqii")
_MAX_PATH = 4096
_AT_FDCWD = -100
_NO_FOLLOW = 0x100
_EMPTY_PATH = 0x1000
_KEEP = 0xFFFFFFFF
_GONE = frozenset({errno.ENOENT, errno.EINTR})

# How a call names its file: its number, the places of directory, path, owner and flags.
_CALLS: dict[str, dict[int, tuple[int | None, int | None, int, int | None]]] = {
    "x86_64": {
        92: (None, 0, 1, None),
        94: (None, 0, 1, _NO_FOLLOW),
        93: (0, None, 1, None),
        260: (0, 1, 2, None),
    },
    "aarch64": {54: (0, 1, 2, None), 55: (0, None, 1, None)},
}
_WITH_FLAGS = {"x86_64": 260, "aarch64": 54}
_FLAGS = 4


def watch(listener: int, proc: int) -> int:
    """Start the process that answers; return its id.

    Args:
        listener: Descriptor of the filter; closed here.
        proc: Descriptor of a ``/proc`` that shows the watched processes; closed here.
    """
    pid = os.fork()
    if pid == 0:
        try:
            die_with_parent()
            os.fchdir(proc)
            for descriptor in (0, 1, 2, 3):
                if descriptor != listener:
                    os.close(descriptor)
            while True:
                _serve(listener)
        finally:
            os._exit(0)
    os.close(listener)
    os.close(proc)
    return pid


def _serve(listener: int) -> None:
    """Answer one call."""
    data = bytearray(_REQUEST.size)
    try:
        fcntl.ioctl(listener, _RECEIVE, data)
    except OSError as error:
        if error.errno in _GONE:
            return
        raise
    number, pid, _, call, _, _, *arguments = _REQUEST.unpack(data)
    code = 0
    try:
        _note(pid, call, arguments)
    except OSError as error:
        code = -(error.errno or errno.EIO)
    except Exception:  # noqa: BLE001 - one strange call must not end the answers to all others
        code = -errno.EIO
    try:
        fcntl.ioctl(listener, _SEND, _ANSWER.pack(number, 0, code, 0))
    except OSError as error:
        if error.errno not in _GONE:
            raise


def _note(pid: int, call: int, arguments: list[int]) -> None:
    """Note what a call asks for.

    Raises:
        OSError: the call fails.
    """
    directory, path, owner, flags = _CALLS[MACHINE][call]
    flags = flags or (arguments[_FLAGS] if call == _WITH_FLAGS[MACHINE] else 0)
    place = b"%d/cwd" % pid
    if directory is not None:
        descriptor = struct.unpack("=i", struct.pack("=I", arguments[directory] & _KEEP))[0]
        if descriptor != _AT_FDCWD:
            place = b"%d/fd/%d" % (pid, descriptor)
    follow = not flags & _NO_FOLLOW
    if path is not None:
        text = _text(pid, arguments[path])
        if text:
            place = text if text.startswith(b"/") else place + b"/" + text
        elif not flags & _EMPTY_PATH:
            raise OSError(errno.ENOENT, "")
        else:
            follow = True
    else:
        follow = True
    uid, gid = arguments[owner] & _KEEP, arguments[owner + 1] & _KEEP
    facts = os.stat(place, follow_symlinks=follow)
    if stat.S_ISLNK(facts.st_mode):
        if path is not None and not follow:
            write_link_owner(place.rstrip(b"/"), (_or(uid, 0), _or(gid, 0)))
    elif stat.S_ISREG(facts.st_mode) or stat.S_ISDIR(facts.st_mode):
        before = read_note(place, follow=follow)
        note = (_or(uid, before[0]), _or(gid, before[1]), *before[2:])
        _write(place, note, facts, follow=follow)


def _write(
    place: bytes, note: tuple[int, int, int, int, int], facts: os.stat_result, *, follow: bool
) -> None:
    try:
        write_note(place, note, follow=follow)
    except OSError as error:
        if error.errno in {errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EIO}:
            raise
        return  # files of the kernel and of tmpfs have no attributes, and are in no layer
    special = stat.S_ISUID | (stat.S_ISGID if facts.st_mode & stat.S_IXGRP else 0)
    if stat.S_ISREG(facts.st_mode) and facts.st_mode & special:
        os.chmod(place, stat.S_IMODE(facts.st_mode) & ~special)


def _or(number: int, before: int) -> int:
    return before if number == _KEEP else number


def _text(pid: int, address: int) -> bytes:
    """Read a path in the memory of a process; pages may end behind it."""
    memory = os.open(b"%d/mem" % pid, os.O_RDONLY | os.O_CLOEXEC)
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

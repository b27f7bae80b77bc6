"""A chown(2) that only notes the new owner, where there is one user (fakeroot(1) does the same).

In:  calls of chown(2) and its kin, whose processes wait (``responder``).
Out: notes in attributes (``linux.owner_notes``); the calls succeed, or fail as they should.

Paths are looked up inside the root file system of the processes; the working directory is
``/proc``.

Source: chown(2).
"""

from __future__ import annotations

import errno
import os
import stat
import struct
from _collections_abc import Callable

from jettison.linux.owner_notes import read_note, write_link_owner, write_note
from jettison.linux.syscall import MACHINE
from jettison.sandbox.init.notify.target import NotifyTarget

_AT_FDCWD = -100
_NO_FOLLOW = 0x100
_EMPTY_PATH = 0x1000
_KEEP = 0xFFFFFFFF
_OWN_BITS = 0o600
_FAILURES = frozenset({errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EIO})

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


def _chown(target: NotifyTarget, call: int, arguments: list[int]) -> int:
    """Note the owner that a call sets; return what the call returns.

    Raises:
        OSError: the call fails.
    """
    directory, path, owner, flags = _CALLS[MACHINE][call]
    flags = flags or (arguments[_FLAGS] if call == _WITH_FLAGS[MACHINE] else 0)
    place = b"%d/cwd" % target.pid
    if directory is not None:
        descriptor = struct.unpack("=i", struct.pack("=I", arguments[directory] & _KEEP))[0]
        if descriptor != _AT_FDCWD:
            place = b"%d/fd/%d" % (target.pid, descriptor)
    follow = not flags & _NO_FOLLOW
    if path is not None:
        text = target.path(arguments[path])
        if text:
            place = text if text.startswith(b"/") else place + b"/" + text
        elif not flags & _EMPTY_PATH:
            raise OSError(errno.ENOENT, "")
        else:
            follow = True
    else:
        follow = True
    uid, gid = arguments[owner] & _KEEP, arguments[owner + 1] & _KEEP
    st = os.stat(place, follow_symlinks=follow)
    if stat.S_ISLNK(st.st_mode):
        if path is not None and not follow:
            write_link_owner(place.rstrip(b"/"), (_or(uid, 0), _or(gid, 0)))
    elif stat.S_ISREG(st.st_mode) or stat.S_ISDIR(st.st_mode):
        try:
            _set_owner(place, st, (uid, gid), follow=follow)
        except PermissionError:
            # Attributes need permissions, which root of a container may not override.
            mode = stat.S_IMODE(st.st_mode)
            os.chmod(place, mode | _OWN_BITS)
            try:
                _set_owner(place, st, (uid, gid), follow=follow)
            finally:
                os.chmod(place, mode)
        _take_special_bits(place, st)
    return 0


def _set_owner(place: bytes, st: os.stat_result, owner: tuple[int, int], *, follow: bool) -> None:
    before = read_note(place, follow=follow)
    note = (_or(owner[0], before[0]), _or(owner[1], before[1]), *before[2:])
    try:
        write_note(place, note, follow=follow)
    except OSError as error:
        if error.errno in _FAILURES or (error.errno == errno.EACCES and not _is_open(st)):
            raise
        # Files of the kernel and of tmpfs have no attributes, and are in no layer.


def _is_open(st: os.stat_result) -> bool:
    return st.st_mode & _OWN_BITS == _OWN_BITS


def _take_special_bits(place: bytes, st: os.stat_result) -> None:
    """Take the bits away that a change of the owner clears."""
    special = stat.S_ISUID | (stat.S_ISGID if st.st_mode & stat.S_IXGRP else 0)
    if stat.S_ISREG(st.st_mode) and st.st_mode & special:
        os.chmod(place, stat.S_IMODE(st.st_mode) & ~special)


def _or(number: int, before: int) -> int:
    return before if number == _KEEP else number


CALLS: dict[int, Callable[[NotifyTarget, int, list[int]], int]] = dict.fromkeys(
    _CALLS.get(MACHINE, {}), _chown
)
"""Handlers of calls, by their numbers."""

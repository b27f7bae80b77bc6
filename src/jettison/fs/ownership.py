"""Owners, modes and devices that files should have, also where this process cannot give them.

In:  files of layer directories, and what they should be.
Out: the same on disk; stat results of files as they should be.

``KernelOwnership`` sets them. A process with one user id (no subordinate ids, or a container
without CAP_CHOWN) owns everything it writes: its files have *recorded owners*
(``RecordedOwnership``). What a file should be beyond that is noted in extended attributes. Readers
see them through ``effective_stat``; they follow files through renames, hard links and overlayfs'
copies. Without a note a file belongs to root.

On disk: see ``linux.owner_notes``. A device is a file with a note; symbolic links have no
attributes of users, so that their directory has their owners. None of this is part of an image.

Security: notes are content of the store and as trusted as the layers; malformed ones are ignored.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import Protocol

import msgspec

from jettison.linux import userns
from jettison.linux.owner_notes import (
    NO_NOTE,
    Note,
    Owner,
    read_link_owner,
    read_note,
    write_link_owner,
    write_note,
)

_ROOT = (0, 0)
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE_BITS = 0o600
_DIRECTORY_BITS = 0o700
_MORE = ("st_atime_ns", "st_mtime_ns", "st_ctime_ns", "st_blksize", "st_blocks")


class Ownership(Protocol):
    """How the owners, modes and devices of files are kept; immutable."""

    @property
    def is_recorded(self) -> bool:
        """Whether owners are noted instead of set."""
        ...

    @property
    def needed_bits(self) -> int:
        """Permission bits without which this process cannot use its own files."""
        ...

    def new_owner(self, uid: int, gid: int) -> Owner:
        """Return whom a file that this process has just made belongs to, as readers see it.

        Args:
            uid: Its user on disk.
            gid: Its group.
        """
        ...

    def effective_stat(
        self, st: os.stat_result, path: str | bytes | int, parent: int = -1
    ) -> os.stat_result:
        """Return the stat result of a file with the owner, mode and device it should have.

        Args:
            st: As lstat(2) has them.
            path: The file; no final link is followed. Or its descriptor.
            parent: Descriptor of the directory that ``path`` is a name in; -1 for none.

        Raises:
            OSError: its attributes cannot be read.
        """
        ...

    def chown(self, target: int | str | bytes, owner: Owner, parent: int | None = None) -> None:
        """Change the owner of a file.

        Args:
            target: A descriptor, or a path of which no final link is followed.
            owner: User and group.
            parent: Descriptor of the directory that ``target`` is a name in.

        Raises:
            OSError: EPERM or EINVAL, when owners are set and this one may not be.
        """
        ...

    def set_mode(self, target: int | str | bytes, mode: int, parent: int | None = None) -> None:
        """Set permission bits.

        Args:
            target: A descriptor, or a path that is no symbolic link.
            mode: Permission bits.
            parent: Descriptor of the directory that ``target`` is a name in.

        Raises:
            OSError: the kernel refuses.
        """
        ...

    def make_node(self, name: str | bytes, mode: int, rdev: int, parent: int) -> None:
        """Make a FIFO or a device.

        Args:
            name: A name in ``parent`` at which there is nothing.
            mode: Type and permission bits.
            rdev: Device number.
            parent: Descriptor of a directory.

        Raises:
            OSError: the kernel refuses.
        """
        ...


def process_ownership() -> Ownership:
    """Return how this process keeps owners: what it may do stays the same for its life."""
    if userns.gives_files_away():
        return KernelOwnership()
    return RecordedOwnership(0 if userns.overrides_permissions() else _FILE_BITS)


class KernelOwnership(msgspec.Struct, frozen=True):
    """Sets owners; see ``Ownership``."""

    is_recorded = False
    needed_bits = 0

    def new_owner(self, uid: int, gid: int) -> Owner:
        """Return the owner on disk."""
        return uid, gid

    def effective_stat(
        self, st: os.stat_result, path: str | bytes | int, parent: int = -1
    ) -> os.stat_result:
        """Return what is on disk."""
        return st

    def chown(self, target: int | str | bytes, owner: Owner, parent: int | None = None) -> None:
        """Set the owner."""
        if isinstance(target, int):
            os.fchown(target, *owner)
        else:
            os.chown(target, *owner, dir_fd=parent, follow_symlinks=False)

    def set_mode(self, target: int | str | bytes, mode: int, parent: int | None = None) -> None:
        """Set the bits."""
        os.chmod(target, mode, dir_fd=parent)

    def make_node(self, name: str | bytes, mode: int, rdev: int, parent: int) -> None:
        """Make it."""
        os.mknod(name, mode, rdev, dir_fd=parent)


class RecordedOwnership(msgspec.Struct, frozen=True):
    """Notes owners, modes and devices that this process cannot set; see ``Ownership``.

    Args:
        needed_bits: See there; with the others a file would be lost for this process.
    """

    is_recorded = True
    needed_bits: int = 0

    def new_owner(self, uid: int, gid: int) -> Owner:
        """Return root: without a note it is."""
        return _ROOT

    def effective_stat(
        self, st: os.stat_result, path: str | bytes | int, parent: int = -1
    ) -> os.stat_result:
        """Return what is noted, and the rest as it is on disk."""
        mode = st.st_mode
        note = NO_NOTE
        if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
            note = read_note(_place(path, parent))
        elif stat.S_ISLNK(mode) and not isinstance(path, int):
            place = os.fsencode(path) if parent < 0 else _below(parent, path)
            note = (*read_link_owner(place), 0, 0, 0)
        uid, gid, shown_mode, *numbers = note
        uid = uid if uid or st.st_uid == os.geteuid() else st.st_uid
        gid = gid if gid or st.st_gid == os.getegid() else st.st_gid
        device = os.makedev(*numbers) if any(numbers) else st.st_rdev
        if (uid, gid, device) == (st.st_uid, st.st_gid, st.st_rdev) and not shown_mode:
            return st
        shown = list(st)[:10]
        shown[0], shown[4], shown[5] = shown_mode or mode, uid, gid
        more = {name: getattr(st, name) for name in _MORE} | {"st_rdev": device}
        return os.stat_result(shown, more)

    def chown(self, target: int | str | bytes, owner: Owner, parent: int | None = None) -> None:
        """Note the owner."""
        place = _place(target, -1 if parent is None else parent)
        st = os.fstat(place) if isinstance(place, int) else os.lstat(place)
        if stat.S_ISLNK(st.st_mode) and not isinstance(place, int):
            write_link_owner(os.fsencode(place), owner)
            return
        if not (stat.S_ISREG(st.st_mode) or stat.S_ISDIR(st.st_mode)):
            if owner != _ROOT and not isinstance(place, int):
                os.unlink(place)
                _stand_in(place, st.st_mode, st.st_rdev, owner)
            return
        _write(place, st, (*owner, *read_note(place)[2:]))

    def set_mode(self, target: int | str | bytes, mode: int, parent: int | None = None) -> None:
        """Set the bits; note them where the file would be lost for this process."""
        place = _place(target, -1 if parent is None else parent)
        st = os.fstat(place) if isinstance(place, int) else os.lstat(place)
        kind = stat.S_IFMT(st.st_mode)
        uid, gid, noted, *device = NO_NOTE if kind == stat.S_IFIFO else read_note(place)
        if noted and stat.S_IFMT(noted) != kind:
            _write(place, st, (uid, gid, stat.S_IFMT(noted) | mode, device[0], device[1]))
            return
        bits = self._bits(st.st_mode)
        wanted = 0 if mode & bits == bits else kind | mode
        if wanted != noted:
            _write(place, st, (uid, gid, wanted, device[0], device[1]))
        os.chmod(place, mode | bits)

    def make_node(self, name: str | bytes, mode: int, rdev: int, parent: int) -> None:
        """Make a FIFO, or a file that is noted to be a device."""
        if stat.S_ISFIFO(mode):
            os.mknod(name, mode, rdev, dir_fd=parent)
        else:
            _stand_in(_below(parent, name), mode, rdev, _ROOT)

    def _bits(self, mode: int) -> int:
        """Return the permission bits that a file must have on disk."""
        if not self.needed_bits:
            return 0
        return {stat.S_IFDIR: _DIRECTORY_BITS, stat.S_IFREG: _FILE_BITS}.get(stat.S_IFMT(mode), 0)


def _stand_in(path: str | bytes, mode: int, rdev: int, owner: Owner) -> None:
    descriptor = os.open(path, _CREATE, _FILE_BITS)
    try:
        write_note(descriptor, (*owner, mode, os.major(rdev), os.minor(rdev)))
    finally:
        os.close(descriptor)


def _place(path: str | bytes | int, parent: int) -> str | bytes | int:
    """Return a path that needs no directory descriptor: calls for attributes take none."""
    if parent < 0 or isinstance(path, int):
        return path
    return _below(parent, path)


def _below(parent: int, name: str | bytes) -> bytes:
    return b"/proc/self/fd/%d/%s" % (parent, os.fsencode(name))


def _write(place: str | bytes | int, st: os.stat_result, note: Note) -> None:
    try:
        write_note(place, note)
    except PermissionError as error:
        if error.errno != errno.EACCES:
            raise
        # Attributes of users need the right to write, whoever holds an open descriptor.
        os.chmod(place, stat.S_IMODE(st.st_mode) | _FILE_BITS)
        write_note(place, note)
        os.chmod(place, stat.S_IMODE(st.st_mode))

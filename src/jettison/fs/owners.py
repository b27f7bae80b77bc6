"""Owners, modes and devices that files should have, where this process cannot give them.

In:  files of layer directories, and what they should be.
Out: the same on disk; facts of files as they should be.

A process with one user id (no subordinate ids, or a container without CAP_CHOWN) owns everything
it writes. There *recorded owners* hold: what a file should be beyond that is noted in extended
attributes, which every reader of layers sees through ``intended``, and which follow files through
renames, hard links and overlayfs' copies. Without a note a file belongs to root.

On disk: ``user.jettison.is`` on files and directories is ``uid:gid:mode:major:minor`` (mode in
octal with the type, 0 for what the file has); a device is a file with such a note. Symbolic links
have no attributes of users, so that ``user.jettison.links`` of their directory has
``uid:gid:name``, separated by NUL. None of this is part of an image.

Security: notes are content of the store and as trusted as the layers; malformed ones are ignored.
"""

from __future__ import annotations

import errno
import functools
import os
import stat
from typing import NamedTuple

from jettison.fs.xattr import get_xattr, set_xattr
from jettison.linux import userns

NOTE = "user.jettison.is"
LINKS = "user.jettison.links"

_ROOT = (0, 0)
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE_BITS = 0o600
_DIRECTORY_BITS = 0o700
_FIELDS = 5

Owner = tuple[int, int]


class _Note(NamedTuple):
    uid: int = 0
    gid: int = 0
    mode: int = 0
    major: int = 0
    minor: int = 0


@functools.cache
def are_recorded() -> bool:
    """Return whether owners are noted instead of set; the same for the life of a process."""
    return not userns.gives_files_away()


def new_owner(uid: int, gid: int) -> Owner:
    """Return whom a file that this process has just made belongs to, as readers see it.

    Args:
        uid: Its user on disk.
        gid: Its group.
    """
    return _ROOT if are_recorded() else (uid, gid)


@functools.cache
def needed_bits() -> int:
    """Return the permission bits without which this process cannot use its own files."""
    return 0 if not are_recorded() or userns.overrides_permissions() else _FILE_BITS


def intended(facts: os.stat_result, path: str | bytes | int, parent: int = -1) -> os.stat_result:
    """Return the facts of a file as it should be.

    Args:
        facts: As lstat(2) has them.
        path: The file; no final link is followed. Or its descriptor.
        parent: Descriptor of the directory that ``path`` is a name in; -1 for none.
    """
    if not are_recorded():
        return facts
    mode = facts.st_mode
    note = _Note()
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
        note = _parse(get_xattr(_place(path, parent), NOTE))
    elif stat.S_ISLNK(mode) and not isinstance(path, int):
        place = os.fsencode(path) if parent < 0 else _below(parent, path)
        directory, name = os.path.split(place)
        note = _Note(*_links(directory).get(name, _ROOT))
    uid = note.uid if note.uid or facts.st_uid == os.geteuid() else facts.st_uid
    gid = note.gid if note.gid or facts.st_gid == os.getegid() else facts.st_gid
    device = os.makedev(note.major, note.minor) if note.major or note.minor else facts.st_rdev
    if (uid, gid, device) == (facts.st_uid, facts.st_gid, facts.st_rdev) and not note.mode:
        return facts
    shown = list(facts)[:10]
    shown[0], shown[4], shown[5] = note.mode or mode, uid, gid
    more = {name: getattr(facts, name) for name in _MORE} | {"st_rdev": device}
    return os.stat_result(shown, more)


_MORE = ("st_atime_ns", "st_mtime_ns", "st_ctime_ns", "st_blksize", "st_blocks")


def give(target: int | str | bytes, owner: Owner, parent: int | None = None) -> None:
    """Give a file to somebody, or note whose it should be.

    Args:
        target: A descriptor, or a path of which no final link is followed.
        owner: User and group.
        parent: Descriptor of the directory that ``target`` is a name in.

    Raises:
        OSError: EPERM or EINVAL, when owners are set and this one may not be.
    """
    if not are_recorded():
        if isinstance(target, int):
            os.fchown(target, *owner)
        else:
            os.chown(target, *owner, dir_fd=parent, follow_symlinks=False)
        return
    place = _place(target, -1 if parent is None else parent)
    facts = os.fstat(place) if isinstance(place, int) else os.lstat(place)
    if stat.S_ISLNK(facts.st_mode) and not isinstance(place, int):
        _give_link(os.fsencode(place), owner)
        return
    if not (stat.S_ISREG(facts.st_mode) or stat.S_ISDIR(facts.st_mode)):
        if owner != _ROOT and not isinstance(place, int):
            os.unlink(place)
            _stand_in(place, facts.st_mode, facts.st_rdev, owner)
        return
    _write(place, facts, _parse(get_xattr(place, NOTE))._replace(uid=owner[0], gid=owner[1]))


def set_mode(target: int | str | bytes, mode: int, parent: int | None = None) -> None:
    """Set permission bits; note them where the file would be lost for this process.

    Args:
        target: A descriptor, or a path that is no symbolic link.
        mode: Permission bits.
        parent: Descriptor of the directory that ``target`` is a name in.
    """
    if not are_recorded():
        os.chmod(target, mode, dir_fd=parent)
        return
    place = _place(target, -1 if parent is None else parent)
    facts = os.fstat(place) if isinstance(place, int) else os.lstat(place)
    note = _Note() if stat.S_ISFIFO(facts.st_mode) else _parse(get_xattr(place, NOTE))
    if note.mode and stat.S_IFMT(note.mode) != stat.S_IFMT(facts.st_mode):
        _write(place, facts, note._replace(mode=stat.S_IFMT(note.mode) | mode))
        return
    bits = _bits(facts.st_mode)
    noted = 0 if mode & bits == bits else stat.S_IFMT(facts.st_mode) | mode
    if noted != note.mode:
        _write(place, facts, note._replace(mode=noted))
    os.chmod(place, mode | bits)


def make_node(name: str | bytes, mode: int, rdev: int, parent: int) -> None:
    """Make a FIFO or a device, or a file that is noted to be one.

    Args:
        name: A name in ``parent`` at which there is nothing.
        mode: Type and permission bits.
        rdev: Device number.
        parent: Descriptor of a directory.

    Raises:
        OSError: the kernel refuses.
    """
    if are_recorded() and not stat.S_ISFIFO(mode):
        _stand_in(_below(parent, name), mode, rdev, _ROOT)
    else:
        os.mknod(name, mode, rdev, dir_fd=parent)


def _bits(mode: int) -> int:
    """Return the permission bits that a file must have on disk."""
    if not needed_bits():
        return 0
    return {stat.S_IFDIR: _DIRECTORY_BITS, stat.S_IFREG: _FILE_BITS}.get(stat.S_IFMT(mode), 0)


def _stand_in(path: str | bytes, mode: int, rdev: int, owner: Owner) -> None:
    descriptor = os.open(path, _CREATE, _FILE_BITS)
    try:
        note = _Note(*owner, mode, os.major(rdev), os.minor(rdev))
        set_xattr(descriptor, NOTE, _format(note))
    finally:
        os.close(descriptor)


def _place(path: str | bytes | int, parent: int) -> str | bytes | int:
    """Return a path that needs no directory descriptor: calls for attributes take none."""
    if parent < 0 or isinstance(path, int):
        return path
    return _below(parent, path)


def _below(parent: int, name: str | bytes) -> bytes:
    return b"/proc/self/fd/%d/%s" % (parent, os.fsencode(name))


def _write(place: str | bytes | int, facts: os.stat_result, note: _Note) -> None:
    try:
        set_xattr(place, NOTE, _format(note))
    except PermissionError as error:
        if error.errno != errno.EACCES:
            raise
        # Attributes of users need the right to write, whoever holds an open descriptor.
        os.chmod(place, stat.S_IMODE(facts.st_mode) | _FILE_BITS)
        set_xattr(place, NOTE, _format(note))
        os.chmod(place, stat.S_IMODE(facts.st_mode))


def _format(note: _Note) -> bytes:
    return b"%d:%d:%o:%d:%d" % note


def _parse(value: bytes | None) -> _Note:
    parts = (value or b"").split(b":")
    if len(parts) != _FIELDS:
        return _Note()
    try:
        uid, gid, mode, major, minor = parts
        return _Note(int(uid), int(gid), int(mode, 8), int(major), int(minor))
    except ValueError:
        return _Note()


def _links(directory: bytes) -> dict[bytes, Owner]:
    """Return the owners of the links in a directory by name; those of root have none."""
    found = {}
    for line in (get_xattr(directory + b"/.", LINKS) or b"").split(b"\0"):
        uid, _, rest = line.partition(b":")
        gid, _, name = rest.partition(b":")
        if name and uid.isdigit() and gid.isdigit():
            found[name] = (int(uid), int(gid))
    return found


def _give_link(path: bytes, owner: Owner) -> None:
    directory, name = os.path.split(path)
    directory = directory or b"."
    owners = _links(directory)
    if owners.get(name, _ROOT) == owner:
        return
    owners[name] = owner
    entries = [b"%d:%d:%s" % (*owners[name], name) for name in sorted(owners)]
    set_xattr(directory + b"/.", LINKS, b"\0".join(entries))

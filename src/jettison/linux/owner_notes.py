"""Notes about owners in extended attributes: how they are written; ``fs.ownership`` says when.

In:  files by path or descriptor, on file systems with attributes of users.
Out: ``(uid, gid, mode, major, minor)``; the same, kept.

On disk: ``user.jettison.is`` on files and directories is ``uid:gid:mode:major:minor``, mode in
octal with the type, 0 for what the file has. ``user.jettison.links`` of a directory has
``uid:gid:`` and six characters of a digest for the name of each symbolic link in it.

Imports nothing but ``os``, because ``sandbox.init`` notes what processes do.
"""

from __future__ import annotations

import errno
import os

NOTE = "user.jettison.is"
LINKS = "user.jettison.links"
NO_NOTE = (0, 0, 0, 0, 0)

_ABSENT = frozenset({errno.ENODATA, errno.EOPNOTSUPP})
_FIELDS = 5
_KEY_BYTES = 6
_MAX_DIGITS = 10
_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_ROOT = (0, 0)

Note = tuple[int, int, int, int, int]
Owner = tuple[int, int]


def read_note(place: str | bytes | int, *, follow: bool = False) -> Note:
    """Return the note of a file; ``NO_NOTE`` where there is none, or it is malformed."""
    parts = _get(place, NOTE, follow=follow).split(b":")
    if len(parts) != _FIELDS:
        return NO_NOTE
    try:
        uid, gid, mode, major, minor = parts
        return int(uid), int(gid), int(mode, 8), int(major), int(minor)
    except ValueError:
        return NO_NOTE


def write_note(place: str | bytes | int, note: Note, *, follow: bool = False) -> None:
    """Write the note of a file or directory."""
    value = b"%d:%d:%o:%d:%d" % note
    os.setxattr(place, NOTE, value, follow_symlinks=follow or isinstance(place, int))


def read_link_owner(path: bytes) -> Owner:
    """Return whose a symbolic link is, by the directory that it is in."""
    directory, name = os.path.split(path)
    return _link_owners(directory or b".").get(_key(name), _ROOT)


def write_link_owner(path: bytes, owner: Owner) -> None:
    """Note whose a symbolic link is, at the directory that it is in.

    Raises:
        OSError: E2BIG, the file system takes no more (ext4: about 600 links of a directory).
    """
    directory, name = os.path.split(path)
    directory, key = directory or b".", _key(name)
    owners = _link_owners(directory)
    if owners.get(key, _ROOT) == owner:
        return
    owners[key] = owner
    keys: dict[Owner, bytes] = {}
    for each in sorted(owners):
        if owners[each] != _ROOT:
            keys[owners[each]] = keys.get(owners[each], b"") + each
    value = b" ".join(b"%d:%d:%s" % (*each, keys[each]) for each in sorted(keys))
    try:
        os.setxattr(directory + b"/.", LINKS, value)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        text = "too many links of other owners for the file system's attributes"
        raise OSError(errno.E2BIG, text, os.fsdecode(directory)) from error


def _is_number(text: bytes) -> bool:
    return text.isdigit() and len(text) <= _MAX_DIGITS


def _link_owners(directory: bytes) -> dict[bytes, Owner]:
    found = {}
    for entry in _get(directory + b"/.", LINKS, follow=True).split(b" "):
        uid, _, rest = entry.partition(b":")
        gid, _, keys = rest.partition(b":")
        if _is_number(uid) and _is_number(gid):
            for at in range(0, len(keys), _KEY_BYTES):
                found[keys[at : at + _KEY_BYTES]] = (int(uid), int(gid))
    return found


def _key(name: bytes) -> bytes:
    """Return what stands for a name: attributes are small, and names are long.

    36 bits of FNV-1a. Nothing is imported for it: inside a root there is nothing to import from.
    """
    number = 0xCBF29CE484222325
    for byte in name:
        number = (number ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    number ^= number >> 32
    return bytes(_LETTERS[number >> 6 * at & 63] for at in range(_KEY_BYTES))


def _get(place: str | bytes | int, name: str, *, follow: bool) -> bytes:
    try:
        return os.getxattr(place, name, follow_symlinks=follow or isinstance(place, int))
    except OSError as error:
        if error.errno not in _ABSENT:
            raise
        return b""

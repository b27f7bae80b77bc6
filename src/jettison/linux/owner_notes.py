"""Notes about owners in extended attributes: how they are written; ``fs.owners`` says when.

In:  files by path or descriptor, on file systems with attributes of users.
Out: ``(uid, gid, mode, major, minor)``; the same, kept.

On disk: ``user.jettison.is`` on files and directories is ``uid:gid:mode:major:minor``, mode in
octal with the type, 0 for what the file has. ``user.jettison.links`` of a directory has
``uid:gid:name`` for symbolic links in it, separated by NUL.

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


def read_link_owners(directory: bytes) -> dict[bytes, Owner]:
    """Return the owners of the links in a directory by name; those of root need not be there."""
    found = {}
    for line in _get(directory + b"/.", LINKS, follow=True).split(b"\0"):
        uid, _, rest = line.partition(b":")
        gid, _, name = rest.partition(b":")
        if name and uid.isdigit() and gid.isdigit():
            found[name] = (int(uid), int(gid))
    return found


def write_link_owner(path: bytes, owner: Owner) -> None:
    """Note whose a symbolic link is, at the directory that it is in."""
    directory, name = os.path.split(path)
    directory = directory or b"."
    owners = read_link_owners(directory)
    if owners.get(name, (0, 0)) == owner:
        return
    owners[name] = owner
    entries = [b"%d:%d:%s" % (*owners[name], name) for name in sorted(owners)]
    os.setxattr(directory + b"/.", LINKS, b"\0".join(entries))


def _get(place: str | bytes | int, name: str, *, follow: bool) -> bytes:
    try:
        return os.getxattr(place, name, follow_symlinks=follow or isinstance(place, int))
    except OSError as error:
        if error.errno not in _ABSENT:
            raise
        return b""

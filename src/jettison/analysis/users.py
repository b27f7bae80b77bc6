"""Users and groups of a root file system, and what one of them may do with its files.

In:  the files of a tree; the text of USER.
Out: ``Accounts``, ``Identity``; for a path the first thing on the way that refuses.

Owners are those that an image says, wherever the files are kept.

Source: passwd(5), group(5), shadow(5), path_resolution(7); docker's rules for USER.
"""

from __future__ import annotations

from enum import IntFlag

import msgspec

from jettison.analysis.files import Files
from jettison.analysis.rootfs import Rootfs
from jettison.fs.resolve import resolve
from jettison.fs.tree import FileStat

_MAX_BYTES = 4 << 20
_MAX_LINES = 100_000
_ACL = "system.posix_acl_access"


class Right(IntFlag):
    """What is asked of a file, as in its mode."""

    EXECUTE = 1
    WRITE = 2
    READ = 4


class Account(msgspec.Struct, frozen=True):
    """A line of ``/etc/passwd``; ``password`` is that of ``/etc/shadow`` if it has one."""

    name: str
    uid: int
    gid: int
    password: str = "x"  # noqa: S105  the mark of passwd(5) for one in shadow(5)


class Group(msgspec.Struct, frozen=True):
    """A line of ``/etc/group``."""

    name: str
    gid: int
    members: tuple[str, ...] = ()


class Accounts(msgspec.Struct, frozen=True):
    """All users and groups, in the order of their files."""

    users: tuple[Account, ...] = ()
    groups: tuple[Group, ...] = ()


class Identity(msgspec.Struct, frozen=True):
    """Whom a process runs as.

    Args:
        uid: Of the user.
        gid: Of the user's own group.
        groups: All its groups.
        name: Of the account; empty if the user has none.
    """

    uid: int = 0
    gid: int = 0
    groups: frozenset[int] = frozenset({0})
    name: str = ""


class Refusal(msgspec.Struct, frozen=True):
    """What refuses a user: a file, or a directory on the way to it."""

    path: str
    stat: FileStat
    right: Right


def accounts(root: Rootfs) -> Accounts:
    """Return the users and groups of a root file system."""
    passwords = {
        fields[0]: fields[1] for fields in _lines(root.files, "/etc/shadow") if len(fields) > 1
    }
    users = [
        Account(fields[0], uid, gid, passwords.get(fields[0], fields[1]))
        for fields in _lines(root.files, "/etc/passwd")
        if len(fields) >= 4
        and (uid := _number(fields[2])) is not None
        and (gid := _number(fields[3])) is not None
    ]
    groups = [
        Group(fields[0], gid, tuple(",".join(fields[3:4]).split(",")))
        for fields in _lines(root.files, "/etc/group")
        if len(fields) >= 3 and (gid := _number(fields[2])) is not None
    ]
    return Accounts(tuple(users), tuple(groups))


def identity(known: Accounts, text: str) -> Identity | None:
    """Return whom the text of USER means; None if it names a user or a group that is not there.

    >>> identity(Accounts(users=(Account("app", 1000, 1000),)), "app")
    Identity(uid=1000, gid=1000, groups=frozenset({1000}), name='app')
    """
    user_text, _, group_text = text.partition(":")
    number = _number(user_text or "0")
    user = next(
        (
            each
            for each in known.users
            if (each.uid == number if number is not None else each.name == user_text)
        ),
        None,
    )
    if user is None and number is None:
        return None
    uid, gid, name = (number or 0, 0, "") if user is None else (user.uid, user.gid, user.name)
    if not group_text:
        others = [group.gid for group in known.groups if name and name in group.members]
        return Identity(uid, gid, frozenset({gid, *others}), name)
    group_id = _number(group_text)
    if group_id is None:
        group_id = next((each.gid for each in known.groups if each.name == group_text), None)
    return None if group_id is None else Identity(uid, group_id, frozenset({group_id}), name)


def refusal(files: Files, path: str, who: Identity, wanted: Right) -> Refusal | None:
    """Return what keeps a user from a file; None if nothing does, or it is not there.

    Args:
        files: The tree.
        path: Of the file or directory; links are followed.
        who: The user.
        wanted: What is asked of it; directories on the way must be searched.
    """
    parts = [part for part in path.split("/") if part]
    checked: set[str] = set()
    try:
        target = resolve(files, path)
        places = [resolve(files, "/".join(parts[:count])) for count in range(len(parts))]
    except OSError:
        return None
    for place in (*places, target.rpartition("/")[0]):
        above = [part for part in place.split("/") if part]
        for count in range(1, len(above) + 1):
            directory = "/" + "/".join(above[:count])
            if directory in checked:
                continue
            checked.add(directory)
            st = files.lstat(directory)
            if st is not None and st.is_dir and not _may(files, directory, st, who, Right.EXECUTE):
                return Refusal(directory, st, Right.EXECUTE)
    st = files.lstat(target)
    for right in (Right.EXECUTE, Right.READ, Right.WRITE):
        if st is not None and right & wanted and not _may(files, target, st, who, right):
            return Refusal(target, st, right)
    return None


def _may(files: Files, path: str, st: FileStat, who: Identity, right: Right) -> bool:
    """Tell whether a mode gives a user a right; where an access list might, it does."""
    if who.uid == 0:
        return not (right is Right.EXECUTE and st.is_file) or bool(st.mode & 0o111)
    shift = 6 if st.uid == who.uid else 3 if st.gid in who.groups else 0
    if st.mode >> shift & right:
        return True
    try:
        return _ACL in files.tree.xattrs(path)
    except OSError:
        return False


def _lines(files: Files, path: str) -> list[list[str]]:
    data = files.read(path, _MAX_BYTES) or b""
    lines = data.decode(errors="surrogateescape").split("\n")[:_MAX_LINES]
    found = (line.strip() for line in lines)
    return [line.split(":") for line in found if line and line[0] not in "#+-:"]


def _number(text: str) -> int | None:
    is_number = text.isascii() and text.isdigit() and len(text) <= 10
    return int(text) if is_number else None

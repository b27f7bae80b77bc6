"""Users and groups of an image, as USER, ``--chown`` and WORKDIR name them.

In:  ``user[:group]``, names or numbers, and the tree whose ``/etc/passwd``, ``/etc/group`` count.
Out: numeric IDs.

USER and ``--chown`` read a lone number differently: USER takes the primary group from
``/etc/passwd`` (0 without an entry), ``--chown`` takes the same number as group, and reads
``root`` as 0. A group that is left out after the colon is none.

Security: the files are the image's, so hostile: bounded, and links in their path are followed
inside the tree only.

Source: passwd(5), group(5); docker's rules for USER (docker run --user).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TypeGuard

import msgspec

from jettison.errors import ContextError
from jettison.fs.resolve import resolve
from jettison.fs.tree import Tree

MAX_FILE_BYTES = 16 << 20
MAX_ID = (1 << 32) - 2
"""The largest ID that Linux has; the next one stands for "no change" in its calls."""
_MAX_DIGITS = 19
_ROOT = "root"


class UserIds(msgspec.Struct, frozen=True):
    """Whom a process runs as; ``groups`` are its own group, then those of ``/etc/group``.

    The own group is in the list since containerd and BuildKit pass it so, and ``id`` shows it.
    """

    uid: int = 0
    gid: int = 0
    groups: tuple[int, ...] = (0,)
    home: str = "/"


class Owner(msgspec.Struct, frozen=True):
    """Whom a file belongs to."""

    uid: int = 0
    gid: int = 0


class _User(msgspec.Struct, frozen=True):
    name: str
    uid: int
    gid: int
    home: str


class _Group(msgspec.Struct, frozen=True):
    name: str
    gid: int
    members: tuple[str, ...]


def resolve_user(text: str, tree: Tree) -> UserIds:
    """Return whom the text of USER (or ``run --user``) means; empty text is root.

    Raises:
        ContextError: a name is in no entry, or a number is out of range.
    """
    user_text, colon, group_text = text.partition(":")
    user_text = user_text or "0"
    number = _number(user_text)
    user = next(
        (
            each
            for each in _users(tree)
            if (each.uid == number if number is not None else each.name == user_text)
        ),
        None,
    )
    if user is None:
        if number is None:
            raise ContextError(
                f"unable to find user {user_text}: no matching entries in passwd file",
                hint="create the user in an earlier RUN, or use a numeric ID",
            )
        user = _User("", _checked(number), 0, "/")
    home = user.home or "/"
    if colon and group_text:
        gid = _group_id(group_text, tree)
        return UserIds(user.uid, gid, (gid,), home)
    others = _memberships(user.name, tree) if user.name else ()
    groups = (user.gid, *(gid for gid in others if gid != user.gid))
    return UserIds(user.uid, user.gid, groups, home)


def resolve_group(text: str, tree: Tree) -> int:
    """Return the ID of a group, by its name or number.

    Raises:
        ContextError: a name is in no entry, or a number is out of range.
    """
    return _group_id(text, tree)


def resolve_owner(text: str, tree: Tree | None) -> Owner:
    """Return whom the text of ``--chown`` means.

    Args:
        text: ``user[:group]``.
        tree: Where names are looked up; None is an empty one.

    Raises:
        ContextError: a name is in no entry, or a number is out of range.
    """
    user_text, _, group_text = text.partition(":")
    number = _number(user_text)
    if number is not None:
        uid = gid = _checked(number)
    elif user_text in {"", _ROOT}:
        uid = gid = 0
    else:
        user = next((each for each in _users(tree) if each.name == user_text), None)
        if user is None:
            raise ContextError(
                f"unable to find user {user_text}: no matching entries in passwd file",
                hint="use numeric IDs, or create the user before",
            )
        uid, gid = user.uid, user.gid
    if group_text:
        gid = 0 if group_text == _ROOT else _group_id(group_text, tree)
    return Owner(uid, gid)


def _group_id(text: str, tree: Tree | None) -> int:
    number = _number(text)
    if number is not None:
        return _checked(number)
    for group in _groups(tree):
        if group.name == text:
            return group.gid
    if text == _ROOT:
        return 0
    raise ContextError(
        f"unable to find group {text}: no matching entries in group file",
        hint="use a numeric ID, or create the group before",
    )


def _memberships(name: str, tree: Tree) -> tuple[int, ...]:
    found = dict.fromkeys(group.gid for group in _groups(tree) if name in group.members)
    return tuple(found)


def _number(text: str) -> int | None:
    """Return the number that a text is; one of too many digits is some number out of range."""
    if not (text.isascii() and text.isdigit()):
        return None
    return int(text) if len(text) <= _MAX_DIGITS else int(text.lstrip("0")[:_MAX_DIGITS] or "0")


def _checked(number: int) -> int:
    if number > MAX_ID:
        raise ContextError(f"uids and gids must be in range 0-{MAX_ID}, not {number}")
    return number


def _is_id(number: int | None) -> TypeGuard[int]:
    return number is not None and number <= MAX_ID


def _users(tree: Tree | None) -> Iterator[_User]:
    for fields in _entries(tree, "/etc/passwd"):
        if len(fields) >= 4:
            uid, gid = _number(fields[2]), _number(fields[3])
            if fields[0] and _is_id(uid) and _is_id(gid):
                yield _User(fields[0], uid, gid, fields[5] if len(fields) > 5 else "")


def _groups(tree: Tree | None) -> Iterator[_Group]:
    for fields in _entries(tree, "/etc/group"):
        gid = _number(fields[2]) if len(fields) >= 3 else None
        if fields[0] and _is_id(gid):
            members = fields[3].split(",") if len(fields) > 3 else ()
            yield _Group(fields[0], gid, tuple(each.strip() for each in members))


def _entries(tree: Tree | None, path: str) -> Iterator[list[str]]:
    """Yield the fields of each line of a file of the tree; nothing if there is no such file."""
    if tree is None:
        return
    try:
        path = resolve(tree, path)
    except OSError:
        return  # a loop of links is no file
    st = tree.lstat(path)
    if st is None or not st.is_file:
        return
    if st.size > MAX_FILE_BYTES:
        raise ContextError(f"`{path}` of the image is larger than {MAX_FILE_BYTES >> 20} MiB")
    with open(_open_file(tree.host_path(path)), "rb") as file:
        data = file.read(MAX_FILE_BYTES)
    for line in map(str.strip, data.decode("utf-8", "surrogateescape").split("\n")):
        if line and not line.startswith("#"):
            yield line.split(":")


def _open_file(path: str) -> int:
    return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)

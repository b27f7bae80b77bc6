"""Where a store is: one path without links, on which nobody but its user decides what is there.

In:  a path.
Out: the same without links, its directory (0700) and parts, made or closed to others where needed.

Whoever may rename a directory on the way, or owns one, can put another in its place while a build
writes below it as this user: as root, anywhere. So each directory on the way belongs to root or to
this user; where others may write names (``/tmp``), it is sticky. The kernel asks the same of links
in sticky directories, and sshd of the files that it believes.

In a user namespace the ids of the host's other users all look the same, root's too. There they
pass: the process that entered it has looked before.

Source: path_resolution(7); proc_sys_fs(5), ``protected_symlinks``.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from jettison.errors import StorageError
from jettison.linux import userns

PARTS = ("blobs", "blobs/sha256", "snapshots", "cache-mounts", "tmp", "trash")
"""Directories of each store; closed to others in themselves, should the store be opened later."""

LATER_PARTS = ("snapshots-recorded", "git", "failed", "containers", "partial")
"""Directories that are made when they are needed."""

_DATABASE = ("state.db", "state.db-wal", "state.db-shm")
_MAX_LINKS = 40
_ELSEWHERE = "choose another directory with `--root` or `JETTISON_ROOT`"
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def resolved(path: Path) -> Path:
    """Return where a path leads, which need not be there.

    Raises:
        StorageError: somebody else can change where it leads, or its links form a cycle.
        OSError: EACCES.
    """
    current = "/"
    pending = _parts(os.path.join(os.getcwd(), path))
    links = 0
    while pending:
        part = pending.pop()
        if part == "..":
            current = os.path.dirname(current)
            continue
        step = os.path.join(current, part)
        try:
            st = os.lstat(step)
        except (FileNotFoundError, NotADirectoryError):
            return Path(os.path.normpath(os.path.join(step, *reversed(pending))))
        _check_owner(step, st, path)
        if stat.S_ISLNK(st.st_mode):
            links += 1
            if links > _MAX_LINKS:
                raise StorageError(f"the store `{path}` leads nowhere: its links go in circles")
            target = os.readlink(step)
            current = "/" if target.startswith("/") else current
            pending += _parts(target)
            continue
        if pending and _others_write(st) and not st.st_mode & stat.S_ISVTX:
            raise StorageError(
                f"the store `{path}` is not safe: other users can write to `{step}`",
                hint=f"{_ELSEWHERE}, or take that right away: `chmod go-w {_quoted(step)}`",
            )
        current = step
    return Path(current)


def take(root: Path) -> None:
    """Make the directory of a store, or check the one that is there and close it to others.

    Args:
        root: As ``resolved`` returned it.

    Raises:
        StorageError: it is a file, somebody else's, or others could have written to it.
        OSError: it cannot be made.
    """
    try:
        st = os.lstat(root)
    except FileNotFoundError:
        for missing in reversed([each for each in root.parents if not os.path.lexists(each)]):
            missing.mkdir(0o755, exist_ok=True)
        root.mkdir(0o700, exist_ok=True)
        st = os.lstat(root)
    except NotADirectoryError:
        st = None
    if st is None or not stat.S_ISDIR(st.st_mode):
        raise StorageError(
            f"the store `{root}` cannot be made: there is a file in its place",
            hint="choose a directory with `--root`",
        )
    if st.st_uid != os.geteuid():
        raise StorageError(
            f"the store `{root}` belongs to another user ({_name(st.st_uid)})",
            hint=f"{_ELSEWHERE}, or build as its owner",
        )
    if _others_write(st) and os.listdir(root):
        mend = f"chmod 700 {_quoted(os.fspath(root))}"
        raise StorageError(
            f"the store `{root}` is not safe: other users can write to it",
            hint=f"{_ELSEWHERE}; or, if you trust its content: `{mend}`",
        )
    _close(os.fspath(root), st)


def take_parts(root: Path) -> None:
    """Check the parts of a store that is there, and close them to others.

    Args:
        root: A directory that ``take`` has found in order: nobody else changes names in it.

    Raises:
        StorageError: a part is a link or a file, or somebody else's.
        OSError: it cannot be read or changed.
    """
    for name in (*PARTS, *LATER_PARTS, *_DATABASE):
        part = f"{root}/{name}"
        try:
            st = os.lstat(part)
        except FileNotFoundError:
            if name in PARTS:
                Path(part).mkdir(0o700, exist_ok=True)
            continue
        wanted = stat.S_ISREG if name in _DATABASE else stat.S_ISDIR
        if st.st_uid != os.geteuid() or not wanted(st.st_mode):
            kind = "link" if stat.S_ISLNK(st.st_mode) else "file of another type or user"
            raise StorageError(
                f"the store `{root}` is not safe: its part `{name}` is a {kind}",
                hint=f"move it away, or {_ELSEWHERE}; a bind mount can put a part on another disk",
            )
        _close(part, st)


def _parts(path: str) -> list[str]:
    """Return the components of a path, last first."""
    return [part for part in reversed(path.split("/")) if part and part != "."]


def _check_owner(step: str, st: os.stat_result, path: Path) -> None:
    if _is_trusted(st.st_uid):
        return
    kind = "link" if stat.S_ISLNK(st.st_mode) else "directory"
    place = "it" if step == os.fspath(path) else f"the {kind} `{step}`"
    raise StorageError(
        f"the store `{path}` is not safe: {place} belongs to another user ({_name(st.st_uid)})",
        hint=f"{_ELSEWHERE}, below directories of your own and root's",
    )


def _is_trusted(uid: int) -> bool:
    return uid in {0, os.geteuid()} or _is_unmapped(uid, "uid")


def _others_write(st: os.stat_result) -> bool:
    """Tell whether others may write: all, or a group that is neither root's nor the user's own."""
    if st.st_mode & stat.S_IWOTH:
        return True
    if not st.st_mode & stat.S_IWGRP or st.st_gid in {0, os.getegid()}:
        return False
    return not _is_unmapped(st.st_gid, "gid")


def _is_unmapped(number: int, kind: str) -> bool:
    """Tell whether an id stands for all that a user namespace does not have."""
    if not userns.in_user_namespace():
        return False
    with open(f"/proc/sys/kernel/overflow{kind}", encoding="ascii") as file:
        return int(file.read()) == number


def _close(path: str, st: os.stat_result) -> None:
    if st.st_mode & _OTHERS:
        os.chmod(path, stat.S_IMODE(st.st_mode) & ~_OTHERS)


def _quoted(path: str) -> str:
    import shlex  # for an error

    return shlex.quote(path)


def _name(uid: int) -> str:
    import pwd  # for an error

    try:
        return f"{pwd.getpwuid(uid).pw_name}, uid {uid}"
    except KeyError:
        return f"uid {uid}"

"""Removal of trees that may hold anything.

In:  a path at rest (nobody writes below it).
Out: nothing is there any more.

Security: content is hostile: links are never followed, directories without permissions are opened
up, and depth costs neither stack nor file descriptors.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

OPEN_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
"""Flags that open a directory for reading its names, and no link to one."""

_PLACE = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_MAX_DEPTH = 64
"""Deeper directories are moved up first: each level costs a file descriptor."""


def remove_tree(path: str | Path, *, dir_fd: int | None = None) -> None:
    """Remove a file or a directory with all that is in it; it need not be there.

    Args:
        path: It; components before the last are followed.
        dir_fd: Descriptor of the directory that a relative path begins in.

    Raises:
        OSError: something cannot be removed (mount point, immutable, another owner).
    """
    text = os.fspath(path)
    try:
        if not stat.S_ISDIR(os.lstat(text, dir_fd=dir_fd).st_mode):
            os.unlink(text, dir_fd=dir_fd)
            return
        root = _open(text, dir_fd)
    except FileNotFoundError:
        return
    try:
        moved = [0]
        while True:
            before = moved[0]
            _empty(root, root, 0, moved)
            if moved[0] == before:
                break
    finally:
        os.close(root)
    try:
        os.rmdir(text, dir_fd=dir_fd)
    except FileNotFoundError:
        return


def open_up(path: str | Path, *, dir_fd: int | None = None) -> None:
    """Give the owner of a directory all rights on it; a link in its place is not followed.

    Raises:
        OSError: it is no directory, or another owner's.
    """
    place = os.open(path, _PLACE, dir_fd=dir_fd)
    try:
        os.chmod(f"/proc/self/fd/{place}", 0o700)  # fchmod(2) takes no O_PATH
    finally:
        os.close(place)


def _empty(directory: int, root: int, depth: int, moved: list[int]) -> None:
    """Remove all names of a directory; directories that are too deep are moved to the root."""
    with os.scandir(directory) as entries:
        found = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    for name, is_directory in found:
        try:
            if not is_directory:
                _retried(os.unlink, name, directory)
            elif depth >= _MAX_DEPTH:
                moved[0] += 1
                _move_up(name, directory, root, moved[0])
            else:
                child = _open(name, directory)
                try:
                    _empty(child, root, depth + 1, moved)
                finally:
                    os.close(child)
                _retried(os.rmdir, name, directory)
        except FileNotFoundError:  # another process removes the same tree
            continue


def _open(name: str, directory: int | None) -> int:
    """Open a directory for reading and writing names, opening up its permissions if needed."""
    try:
        return os.open(name, OPEN_DIRECTORY, dir_fd=directory)
    except PermissionError:
        open_up(name, dir_fd=directory)
        return os.open(name, OPEN_DIRECTORY, dir_fd=directory)


def _retried(remove: Callable[..., None], name: str, directory: int) -> None:
    """Remove a name; when its directory forbids that, allow it and try again."""
    try:
        remove(name, dir_fd=directory)
    except PermissionError:
        os.fchmod(directory, 0o700)
        remove(name, dir_fd=directory)


def _move_up(name: str, directory: int, root: int, number: int) -> None:
    for attempt in range(1 << 20):
        target = f".deep-{number}-{attempt}"
        try:
            # rename(2) replaces an empty directory silently, so the name must be free.
            os.stat(target, dir_fd=root, follow_symlinks=False)
        except FileNotFoundError:
            try:
                os.rename(name, target, src_dir_fd=directory, dst_dir_fd=root)
            except PermissionError:
                # The names in it, its own permissions or its ".." may forbid the move.
                os.fchmod(directory, 0o700)
                open_up(name, dir_fd=directory)
                os.rename(name, target, src_dir_fd=directory, dst_dir_fd=root)
            return

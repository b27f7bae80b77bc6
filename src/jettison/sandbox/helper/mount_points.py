"""Removes the mount points that a driver made, as if they had never been there.

In:  what ``sandbox.init`` noted: the points that it made, copied-up parents as they were.
Out: the upper directory without them; times of directories as the container left them.

Security: the container may have replaced any directory by a link; no link is followed.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from jettison.fs.os_errors import storage_errors
from jettison.linux.files import fingerprint
from jettison.sandbox.spec import SandboxSpec
from jettison.sandbox.wire import Ready

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def clean_upper(spec: SandboxSpec, ready: Ready) -> None:
    """Make the upper directory of a container that has ended what the process made of it.

    Raises:
        StorageError: it cannot be read or written.
    """
    upper = spec.root.upper
    if spec.fuse is not None and spec.root.merged is not None:
        from jettison.sandbox.rootfs.fuse_form import FuseForm

        with storage_errors(upper):
            FuseForm(upper, spec.root.lowers).undo()
    remove_points(upper, ready)


def remove_points(upper: Path, ready: Ready) -> None:
    """Remove mount points that are still empty, and parents that nobody else changed."""
    if not ready.points:
        return
    root = os.open(upper, _DIRECTORY)
    try:
        for point in reversed(ready.points):
            _remove(root, point.path, is_directory=point.directory)
        for parent in sorted(ready.parents, key=lambda each: len(each.path), reverse=True):
            _remove_copied(root, parent.path, parent.fingerprint)
    finally:
        os.close(root)


def _remove(root: int, path: bytes, *, is_directory: bool) -> None:
    parent, name = _open_parent(root, path)
    if parent is None:
        return
    try:
        found = os.stat(name, dir_fd=parent, follow_symlinks=False)
        before = os.fstat(parent)
        if is_directory and stat.S_ISDIR(found.st_mode):
            os.rmdir(name, dir_fd=parent)
        elif stat.S_ISREG(found.st_mode) and not is_directory and found.st_size == 0:
            os.unlink(name, dir_fd=parent)
        else:
            return
        os.utime(parent, ns=(before.st_atime_ns, before.st_mtime_ns))
    except OSError:
        return  # the container put something there, or took it away: that is its change
    finally:
        os.close(parent)


def _remove_copied(root: int, path: bytes, before: bytes) -> None:
    """Remove a directory that only holds what the layer below has, for a mount point in it."""
    parent, name = _open_parent(root, path)
    if parent is None:
        return
    try:
        directory = os.open(name, _DIRECTORY, dir_fd=parent)
        try:
            same = fingerprint(directory) == before
        finally:
            os.close(directory)
        if same:
            times = os.fstat(parent)
            os.rmdir(name, dir_fd=parent)
            os.utime(parent, ns=(times.st_atime_ns, times.st_mtime_ns))
    except OSError:
        return
    finally:
        os.close(parent)


def _open_parent(root: int, path: bytes) -> tuple[int | None, bytes]:
    """Open the directory of a path without following links; None when it is gone."""
    *directories, name = path.split(b"/")
    here = os.dup(root)
    for part in directories:
        try:
            deeper = os.open(part, _DIRECTORY, dir_fd=here)
        except OSError:
            os.close(here)
            return None, name
        os.close(here)
        here = deeper
    return here, name

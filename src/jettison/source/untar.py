"""Unpacks a context that came as a tar.

In:  an archive, an empty directory.
Out: its files, with modes and times; owners stay this process's, since contexts belong to 0:0.

Unlike a layer, a context has no whiteouts: every name means itself. Devices are left out, they
could not be copied without privileges.

Security: the archive is hostile. Every directory is opened without following links, so a name
that leads through a link of the archive is an error, not a way out.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Self

from jettison.errors import UnsafeArchiveError
from jettison.fs.os_errors import storage_errors
from jettison.fs.remove import remove_tree
from jettison.layer.archive import Archive, ArchiveEntry

_OPEN_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_OPEN_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def unpack_context(archive: Archive, into: Path) -> None:
    """Unpack an archive.

    Args:
        archive: Freshly opened.
        into: An empty directory.

    Raises:
        UnsafeArchiveError: it is damaged or tries to escape.
        StorageError: there is no space.
    """
    directories: list[ArchiveEntry] = []
    with storage_errors(into), _Tree(into) as tree:
        for entry in archive:
            if not entry.name:
                continue
            parent, name = tree.parent(entry.name)
            try:
                _make(entry, tree, parent, name)
            except FileNotFoundError as error:
                raise UnsafeArchiveError(
                    f"`{entry.name}` in the context is a hard link to nothing"
                ) from error
            if entry.is_dir:
                directories.append(entry)
        for entry in reversed(directories):
            tree.finish(entry)


def _make(entry: ArchiveEntry, tree: _Tree, parent: int, name: str) -> None:
    if entry.is_dir:
        tree.make_directory(parent, name)
        return
    tree.clear(entry.name, parent, name)
    if entry.hard_link:
        other, other_name = tree.parent(entry.hard_link, keep=parent)
        try:
            os.link(other_name, name, src_dir_fd=other, dst_dir_fd=parent, follow_symlinks=False)
        finally:
            if other != parent:
                os.close(other)
    elif entry.is_symlink:
        os.symlink(entry.link, name, dir_fd=parent)
        _set_time(entry, parent, name)
    elif entry.is_file:
        descriptor = os.open(name, _OPEN_FILE, 0o600, dir_fd=parent)
        try:
            entry.copy_to(descriptor)
            os.fchmod(descriptor, stat.S_IMODE(entry.mode))
            os.utime(descriptor, ns=(entry.mtime_ns, entry.mtime_ns))
        finally:
            os.close(descriptor)
    elif stat.S_ISFIFO(entry.mode):
        os.mkfifo(name, stat.S_IMODE(entry.mode), dir_fd=parent)
        _set_time(entry, parent, name)


def _set_time(entry: ArchiveEntry, parent: int, name: str) -> None:
    times = (entry.mtime_ns, entry.mtime_ns)
    os.utime(name, ns=times, dir_fd=parent, follow_symlinks=False)


class _Tree:
    """The directory that is filled; the directory of the last name stays open."""

    def __init__(self, root: Path) -> None:
        self._path = root
        self._root = os.open(root, _OPEN_DIRECTORY)
        self._last: tuple[str, int] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._forget()
        os.close(self._root)

    def parent(self, name: str, *, keep: int | None = None) -> tuple[int, str]:
        """Return the open directory of a name, made if it is missing, and the last component.

        Args:
            name: Clean and relative.
            keep: A descriptor that must stay open: the result is the caller's to close then,
                unless it is this one.
        """
        directory, _, last = name.rpartition("/")
        if self._last is not None and self._last[0] == directory:
            return self._last[1], last
        descriptor = self._walk(directory)
        if keep is None:
            self._forget()
            self._last = (directory, descriptor)
        return descriptor, last

    def make_directory(self, parent: int, name: str) -> None:
        """Make a directory unless there is one; anything else there is replaced."""
        try:
            os.mkdir(name, 0o755, dir_fd=parent)
        except FileExistsError:
            st = os.stat(name, dir_fd=parent, follow_symlinks=False)
            if not stat.S_ISDIR(st.st_mode):
                os.unlink(name, dir_fd=parent)
                os.mkdir(name, 0o755, dir_fd=parent)

    def clear(self, path: str, parent: int, name: str) -> None:
        """Remove what an earlier entry of the same name has made."""
        try:
            os.unlink(name, dir_fd=parent)
        except FileNotFoundError:
            pass
        except IsADirectoryError:
            remove_tree(self._path / path)

    def finish(self, entry: ArchiveEntry) -> None:
        """Give a directory its mode and time, unless a later entry replaced it."""
        try:
            descriptor = self._walk(entry.name, make=False)
        except (UnsafeArchiveError, FileNotFoundError):
            return
        try:
            os.fchmod(descriptor, stat.S_IMODE(entry.mode))
            os.utime(descriptor, ns=(entry.mtime_ns, entry.mtime_ns))
        finally:
            os.close(descriptor)

    def _walk(self, directory: str, *, make: bool = True) -> int:
        current = os.dup(self._root)
        for part in directory.split("/") if directory else ():
            try:
                if make:
                    with suppress(FileExistsError):
                        os.mkdir(part, 0o755, dir_fd=current)
                following = os.open(part, _OPEN_DIRECTORY, dir_fd=current)
            except OSError as error:
                if error.errno in {errno.ELOOP, errno.ENOTDIR}:
                    raise UnsafeArchiveError(
                        f"`{directory}` in the context leads through something that is no directory"
                    ) from error
                raise
            finally:
                os.close(current)
            current = following
        return current

    def _forget(self) -> None:
        if self._last is not None:
            os.close(self._last[1])
            self._last = None

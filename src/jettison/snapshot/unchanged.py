"""Leaves out of a change what it does not change.

In:  a layer directory in overlay form, at rest, and the tree that the change was made on.
Out: the same directory without entries that equal what is below them.

overlayfs copies a file up when it is opened for writing or any fact of it is set, whether or not
that changes something; breaks hard links by doing so; and copies directories up on the way. What
equals the file below in type, mode, owner, size, time, attributes, link target, device and bytes
is removed, and then directories that hold nothing any more and have the attributes of the one
below. The mount shows the same afterwards.

- A file that shares its inode with others of the change goes only if all of these names are one
  inode below, too; one that is alone goes even if it has other names below: copying up made it so.
- A directory's time counts unless the clock gave it while the change was made, which is what
  making and removing files in it does. BuildKit leaves out all directories that hold no change.
- A directory that hides the one below (``rm -r`` and ``mkdir``) becomes one that hides the names
  which it lacks, so that equal files in it can go, too.

Only directories that are there below are looked into, so new files cost nothing. Bytes are
compared where everything else is equal.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Container, Iterable
from itertools import chain
from pathlib import Path

from jettison.fs.holes import data_regions, may_have_holes
from jettison.fs.overlay_form import is_opaque, is_whiteout, make_whiteout, opaque_xattr
from jettison.fs.ownership import Ownership
from jettison.fs.tree import FileStat, Tree
from jettison.fs.xattr import read_xattrs, remove_xattr

_CHUNK_BYTES = 1 << 20
_OPEN_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


def leave_out_unchanged(
    upper: Path,
    ownership: Ownership,
    below: Tree,
    clock_ns: int,
    only: Container[str] | None = None,
) -> list[str]:
    """Remove from a layer directory what is below it just so.

    Args:
        upper: The directory; nobody else uses it.
        ownership: How owners are kept in it.
        below: What the change was made on.
        clock_ns: When the change began, nanoseconds since the epoch.
        only: Paths that may go, whatever else shares their inodes; None are all.

    Returns:
        What went that is no directory.

    Raises:
        OSError: something cannot be read or removed.
    """
    return _Pruner(os.fspath(upper), ownership, below, clock_ns, only).prune()


class _Pruner:
    def __init__(
        self,
        upper: str,
        ownership: Ownership,
        below: Tree,
        clock_ns: int,
        only: Container[str] | None,
    ) -> None:
        self._effective_stat = ownership.effective_stat
        self._only = only
        self._dropped: list[str] = []
        self._upper = upper
        self._below = below
        self._clock_ns = clock_ns
        self._directories: list[tuple[str, os.stat_result]] = []
        self._touched: set[str] = set()
        self._groups: dict[tuple[int, int], list[tuple[str, FileStat]]] = {}

    def prune(self) -> list[str]:
        pending = [("", False)]
        while pending:
            path, hidden = pending.pop()
            pending += self._look_into(path, hidden=hidden)
        for names in self._groups.values():
            self._drop_group(names)
        for path, st in reversed(self._directories):
            self._finish(path, st)
        return self._dropped

    def _look_into(self, path: str, *, hidden: bool) -> list[tuple[str, bool]]:
        """Compare what is in a directory that is below, too; return such directories in it.

        ``hidden`` says that one above it hides what is below.
        """
        directory = self._upper + path
        self._directories.append((path, os.lstat(directory)))
        opaque = bool(path) and is_opaque(directory)
        below = set(self._below.names(path or "/"))
        with os.scandir(directory) as found:
            entries = [(entry.name, entry.stat(follow_symlinks=False)) for entry in found]
        if opaque or hidden:
            self._hide_names(path, below.difference(name for name, _ in entries), opaque=opaque)
        inside = []
        for name, st in entries:
            place = f"{path}/{name}"
            if is_whiteout(st):
                if name not in below:
                    self._drop(place)  # fuse-overlayfs leaves such marks
                continue
            if name not in below:
                continue
            before = self._below.lstat(place)
            if before is None:
                continue
            if stat.S_ISDIR(st.st_mode):
                if before.is_dir and (self._only is None or not is_opaque(self._upper + place)):
                    inside.append((place, opaque or hidden))
            elif self._may_go(place) and self._is_same(
                place, self._effective_stat(st, self._upper + place), before
            ):
                if st.st_nlink == 1 or self._only is not None:
                    self._drop(place)
                else:
                    inode = (st.st_dev, st.st_ino)
                    self._groups.setdefault(inode, []).append((place, before))
        return inside

    def _may_go(self, path: str) -> bool:
        return self._only is None or path in self._only

    def _hide_names(self, path: str, names: set[str], *, opaque: bool) -> None:
        """Hide single names of the directory below instead of all of it."""
        self._touched.add(path)
        directory = self._upper + path
        for name in names:
            make_whiteout(f"{directory}/{name}")
        if opaque:
            remove_xattr(directory, opaque_xattr())

    def _is_same(self, path: str, st: os.stat_result, before: FileStat) -> bool:
        """Tell whether a file that is no directory is what is below it."""
        mode = st.st_mode
        if before.mtime_ns != st.st_mtime_ns or (before.mode, before.uid, before.gid) != (
            mode,
            st.st_uid,
            st.st_gid,
        ):
            return False
        place = self._upper + path
        if stat.S_ISLNK(mode):
            return os.readlink(place) == self._below.readlink(path)
        if not stat.S_ISREG(mode):
            return before.rdev == st.st_rdev
        return (
            before.size == st.st_size
            and read_xattrs(place) == self._below.xattrs(path)
            and _have_same_bytes(place, self._below.host_path(path))
        )

    def _drop_group(self, names: list[tuple[str, FileStat]]) -> None:
        """Drop all names of an inode, if they are all of them and one inode below, too."""
        st = os.lstat(self._upper + names[0][0])
        if st.st_nlink == len(names) and len({before.identity for _, before in names}) == 1:
            for path, _ in names:
                self._drop(path)

    def _drop(self, path: str) -> None:
        os.unlink(self._upper + path)
        self._dropped.append(path)
        self._touched.add(path.rpartition("/")[0])

    def _finish(self, path: str, st: os.stat_result) -> None:
        """Drop a directory that says nothing, else give it back its time."""
        directory = self._upper + path
        if path and self._may_go(path) and self._says_nothing(path, st):
            try:
                os.rmdir(directory)
            except OSError as error:
                if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
                    raise
            else:
                self._touched.add(path.rpartition("/")[0])
                return
        if path in self._touched:
            times = (st.st_atime_ns, st.st_mtime_ns)
            os.utime(directory, ns=times, follow_symlinks=False)

    def _says_nothing(self, path: str, st: os.stat_result) -> bool:
        """Tell whether a directory has the attributes of the one below."""
        before = self._below.lstat(path)
        place = self._upper + path
        st = self._effective_stat(st, place)
        return (
            before is not None
            and (before.mode, before.uid, before.gid) == (st.st_mode, st.st_uid, st.st_gid)
            and (st.st_mtime_ns == before.mtime_ns or st.st_mtime_ns >= self._clock_ns)
            and not is_opaque(place)
            and read_xattrs(place) == self._below.xattrs(path)
        )


def _have_same_bytes(one: str, other: str) -> bool:
    """Tell whether two regular files of one size hold the same; holes of both are not read."""
    with open(one, "rb", 0, opener=_open) as first, open(other, "rb", 0, opener=_open) as second:
        files = (first.fileno(), second.fileno())
        st = [os.fstat(each) for each in files]
        size = st[0].st_size
        regions: Iterable[tuple[int, int]] = [(0, size)]
        if any(map(may_have_holes, st)):
            regions = chain.from_iterable(data_regions(each, size) for each in files)
        return all(_is_same_region(*files, *region) for region in regions)


def _is_same_region(one: int, other: int, start: int, end: int) -> bool:
    while start < end:
        data = os.pread(one, min(_CHUNK_BYTES, end - start), start)
        if not data or data != os.pread(other, len(data), start):
            return False
        start += len(data)
    return True


def _open(path: str, _flags: int) -> int:
    return os.open(path, _OPEN_FILE)

"""A tree written into a directory of the host (``type=local``).

In:  a tree of layers, an open directory; what of the image's privileges is wanted.
Out: files owned by the caller; how many privileges were left out.

The files lie where other users may run or open them, and belong to who exports. So set-ID bits,
devices and file capabilities, which were given inside a container, are left out unless asked for.

Security: an image is hostile, and so is who else may write to the directory: each is entered by a
descriptor of the one above it, no link is followed.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable

import msgspec

from jettison.events import Progress
from jettison.exporter.outputs import (
    ALL_PRIVILEGES,
    CAPABILITIES,
    DEVICES,
    PRIVILEGES,
    SET_ID,
    LocalOutput,
)
from jettison.fs.bytes import ByteCopier
from jettison.fs.remove import OPEN_DIRECTORY, remove_tree
from jettison.fs.tree import FileStat, Tree
from jettison.fs.tree_walk import walk_tree
from jettison.linux.files import open_in_root

_CAPABILITY = "security.capability"
_SET_IDS = stat.S_ISUID | stat.S_ISGID
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_PLACE = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_EVERY = 256


def preserved(output: LocalOutput) -> frozenset[str]:
    """Return the privileges that an output keeps."""
    return frozenset(PRIVILEGES if ALL_PRIVILEGES in output.preserve else output.preserve)


def clamped(time_ns: int, limit_ns: int | None) -> int:
    """Return a time, or the limit when it is later."""
    return time_ns if limit_ns is None else min(time_ns, limit_ns)


class _Level(msgspec.Struct, frozen=True):
    """A directory that is being filled: its path in the tree, descriptor, and final attributes."""

    path: str
    descriptor: int
    stat: FileStat | None


class DirectoryWriter:
    """Writes trees.

    Args:
        preserve: Names of ``PRIVILEGES``.
        clamp_ns: The latest time that a file may have; None for any.
        report: Called with how many files there are.
        mirrors: Whether what a tree does not have is removed.

    Attributes:
        left_out: Count of what was left out, by names of ``PRIVILEGES``.
    """

    def __init__(
        self,
        preserve: frozenset[str],
        clamp_ns: int | None,
        report: Progress,
        *,
        mirrors: bool = False,
    ) -> None:
        self._mirrors = mirrors
        self._preserve = preserve
        self._clamp_ns = clamp_ns
        self._report = report
        self._first: dict[tuple[int, int], str] = {}
        self._copier = ByteCopier()
        self.left_out = dict.fromkeys(PRIVILEGES, 0)

    def write(self, tree: Tree, root: int) -> None:
        """Write a tree.

        Args:
            tree: It.
            root: Descriptor of the directory that its root becomes; closed by the caller.

        Raises:
            OSError: something cannot be written.
        """
        self._first.clear()
        levels = [_Level("", root, None)]
        self._remove_others(tree, "/", root)
        try:
            for count, (path, st) in enumerate(walk_tree(tree), 1):
                parent, _, name = path.rpartition("/")
                while levels[-1].path != parent:
                    self._leave(levels)
                here = levels[-1].descriptor
                if st.is_dir:
                    levels.append(_Level(path, enter(name, here), st))
                    self._remove_others(tree, path, levels[-1].descriptor)
                else:
                    remove_tree(name, dir_fd=here)
                    self._other(tree, path, st, root, here)
                if count % _EVERY == 0:
                    self._report("files", count, 0)
            while len(levels) > 1:
                self._leave(levels)
        finally:
            for level in levels[1:]:
                os.close(level.descriptor)

    def _remove_others(self, tree: Tree, path: str, here: int) -> None:
        """Remove what a directory holds and the tree's does not, if it is to be a mirror."""
        if self._mirrors:
            keep_only(tree.names(path), here)

    def _leave(self, levels: list[_Level]) -> None:
        """Close a directory; its mode and times come last, since making files changes these."""
        level = levels.pop()
        try:
            if level.stat is not None:
                os.fchmod(level.descriptor, stat.S_IMODE(level.stat.mode))
                os.utime(level.descriptor, ns=self._times(level.stat))
        finally:
            os.close(level.descriptor)

    def _other(self, tree: Tree, path: str, st: FileStat, root: int, here: int) -> None:
        name = path.rpartition("/")[2]
        if st.nlink > 1:
            first = self._first.setdefault(st.identity, path)
            if first != path:
                _link(root, first, name, here)
                return
        if st.is_file:
            self._file(tree, path, st, name, here)
        elif st.is_symlink:
            os.symlink(tree.readlink(path), name, dir_fd=here)
            os.utime(name, ns=self._times(st), dir_fd=here, follow_symlinks=False)
        elif stat.S_ISFIFO(st.mode) or self._keeps(DEVICES):
            try:
                os.mknod(name, st.mode, st.rdev, dir_fd=here)
            except PermissionError:
                self.left_out[DEVICES] += 1
                return
            place = os.open(name, _PLACE, dir_fd=here)
            try:
                os.chmod(f"/proc/self/fd/{place}", stat.S_IMODE(st.mode))
            finally:
                os.close(place)
            os.utime(name, ns=self._times(st), dir_fd=here, follow_symlinks=False)

    def _file(self, tree: Tree, path: str, st: FileStat, name: str, here: int) -> None:
        mode = stat.S_IMODE(st.mode)
        if mode & _SET_IDS and not self._keeps(SET_ID):
            mode &= ~_SET_IDS
        source = os.open(tree.host_path(path), _READ)
        try:
            target = os.open(name, _CREATE, 0o600, dir_fd=here)
            try:
                self._copier.copy(source, target, os.fstat(source))
                self._xattrs(tree, path, target)
                os.fchmod(target, mode)
                os.utime(target, ns=self._times(st))
            finally:
                os.close(target)
        finally:
            os.close(source)

    def _xattrs(self, tree: Tree, path: str, target: int) -> None:
        for name, value in tree.xattrs(path).items():
            if name == _CAPABILITY and not self._keeps(CAPABILITIES):
                continue
            try:
                os.setxattr(target, name, value)
            except OSError as error:
                if error.errno not in {errno.EOPNOTSUPP, errno.EPERM}:
                    raise
                if name == _CAPABILITY:
                    self.left_out[CAPABILITIES] += 1

    def _keeps(self, privilege: str) -> bool:
        """Tell whether a privilege is wanted; count it when it is not."""
        wanted = privilege in self._preserve
        self.left_out[privilege] += not wanted
        return wanted

    def _times(self, st: FileStat) -> tuple[int, int]:
        time_ns = clamped(st.mtime_ns, self._clamp_ns)
        return time_ns, time_ns


def left_out_warning(left_out: dict[str, int]) -> str:
    """Return what was left out, for people; empty if nothing was."""
    words = {
        SET_ID: "set-ID bits of programs",
        DEVICES: "devices",
        CAPABILITIES: "file capabilities",
    }
    parts = [f"{words[name]} ({count})" for name, count in left_out.items() if count]
    if not parts:
        return ""
    wanted = "+".join(name for name, count in left_out.items() if count)
    return f"left out, unless `preserve={wanted}` asks for them: {', '.join(parts)}"


def keep_only(names: Iterable[str], directory: int) -> None:
    """Remove what has other names from an open directory."""
    for name in set(os.listdir(directory)).difference(names):
        remove_tree(name, dir_fd=directory)


def enter(name: str, parent: int) -> int:
    """Return a descriptor of a directory that is made, or there already, ready to be filled."""
    try:
        os.mkdir(name, 0o700, dir_fd=parent)
    except FileExistsError:
        if not stat.S_ISDIR(os.lstat(name, dir_fd=parent).st_mode):
            os.unlink(name, dir_fd=parent)
            os.mkdir(name, 0o700, dir_fd=parent)
    return os.open(name, OPEN_DIRECTORY, dir_fd=parent)


def _link(root: int, first: str, name: str, here: int) -> None:
    """Make a hard link to a file that was written before; none if that was left out."""
    try:
        place = open_in_root(root, os.fsencode(first), _PLACE)
    except FileNotFoundError:
        return
    try:
        # A path keeps no link on the way out; a descriptor does (linkat(2), AT_SYMLINK_FOLLOW).
        os.link(f"/proc/self/fd/{place}", name, dst_dir_fd=here, follow_symlinks=True)
    finally:
        os.close(place)

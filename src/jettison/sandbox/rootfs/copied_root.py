"""A root file system as a directory of its own, where nothing can be mounted.

In:  the layers of a root and its upper directory; later, the directory after a process ran in it.
Out: the directory; what the process changed, in the upper directory in overlay form.

Files are copied (blocks are shared where the file system can), never linked: the process may
write to them. Changes are found by a walk against the state before, and moved to the upper
directory; they look as an overlay mount would have left them, so that layers are equal.

Source: kernel Documentation/filesystems/overlayfs.rst, "Changes to underlying filesystems".
Security: the tree is hostile after the process ran; nothing is followed, and nobody runs in it.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from jettison.fs.bytes import ByteCopier
from jettison.fs.overlay_form import is_opaque, is_whiteout, make_opaque, make_whiteout
from jettison.fs.ownership import Ownership
from jettison.fs.remove import remove_tree
from jettison.fs.walk import walk
from jettison.fs.xattr import TRUSTED_PREFIX, USER_PREFIX, remove_xattr
from jettison.linux.files import birth_time

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_KEPT = ("user.", "security.capability")
_NO_ATTRIBUTES = frozenset({errno.EOPNOTSUPP, errno.EPERM, errno.EACCES})

State = tuple[int, ...]


class CopiedRoot:
    """The files of a root file system in one directory.

    Args:
        tree: Where it is made; must not exist.
        lowers: Layer directories, base first.
        upper: Directory that gets the changes; what it has already is on top of the layers.
        ownership: How owners are kept in all of them.
    """

    def __init__(
        self, tree: Path, lowers: Iterable[Path], upper: Path, ownership: Ownership
    ) -> None:
        self.tree = tree
        self._ownership = ownership
        self._upper = upper
        self._before: dict[str, State] = {}
        self._own: set[str] = set()
        tree.mkdir(0o700)
        for directory in lowers:
            apply_layer(directory, tree, ownership)
        for path, st in walk(upper):
            if stat.S_ISDIR(st.st_mode) and not os.path.lexists(tree / path):
                self._own.add(path)
        apply_layer(upper, tree, ownership)
        # As in a mount, the root directory is that of the upper directory.
        copy_metadata(os.fspath(upper), os.fspath(tree), ownership)

    def remember(self) -> None:
        """Remember the state of the tree, before the process runs."""
        self._before = {path: self._state(path, st) for path, st in walk(self.tree)}

    def forget_changes_of(self, path: str) -> None:
        """Take a file that was moved away and back for what it is now."""
        try:
            st = os.lstat(self.tree / path)
        except FileNotFoundError:
            return
        now = self._state(path, st)
        if path in self._before and self._before[path][:-1] == now[:-1]:
            self._before[path] = now

    def collect(self) -> None:
        """Move what has changed since ``remember`` to the upper directory."""
        seen: set[str] = set()
        moved: list[str] = []
        changed: list[str] = []
        within = ""
        for path, st in walk(self.tree):
            _drop_overlay_xattrs(f"{self.tree}/{path}", st)
            if within and path.startswith(within):
                continue
            within = ""
            seen.add(path)
            before = self._before.get(path)
            now = self._state(path, st)
            is_directory = stat.S_ISDIR(st.st_mode)
            if before is not None and _is_same(before, now):
                continue
            # A directory that was made anew hides what was there; its number may be the same.
            if is_directory and before is not None and before[:4] == now[:4]:
                changed.append(path)
                continue
            moved.append(path)
            if is_directory:
                within = path + "/"
        gone = self._gone(seen, moved)
        self._write(changed, moved, gone)

    def _state(self, path: str, st: os.stat_result) -> State:
        """Return what tells whether a file was changed; the last is its time of change."""
        directory = stat.S_ISDIR(st.st_mode)
        return (
            st.st_ino,
            stat.S_IFMT(st.st_mode),
            *(birth_time(os.fsencode(f"{self.tree}/{path}")) if directory else (0, 0)),
            st.st_mode,
            st.st_uid,
            st.st_gid,
            0 if directory else st.st_size,
            st.st_mtime_ns,
            st.st_rdev,
            0 if directory else st.st_nlink,
            # Emulated mounts change directories: they move what is in them.
            self._attributes(path) if directory else st.st_ctime_ns,
        )

    def _attributes(self, path: str) -> int:
        """Return a number that tells attributes of a directory from others."""
        place = f"{self.tree}/{path}"
        try:
            names = os.listxattr(place, follow_symlinks=False)
        except OSError:
            return 0
        return hash(tuple((name, os.getxattr(place, name)) for name in sorted(names)))

    def _gone(self, seen: set[str], moved: list[str]) -> list[str]:
        """Return the topmost paths that are not there any more."""
        gone: list[str] = []
        hidden = {path for path in moved if path in self._before}
        for path in self._before:  # parents come first
            if path in seen:
                continue
            hidden.add(path)
            if path.rpartition("/")[0] not in hidden:
                gone.append(path)
        return gone

    def _write(self, changed: list[str], moved: list[str], gone: list[str]) -> None:
        upper, tree = os.fspath(self._upper), os.fspath(self.tree)
        parents: set[str] = set()
        for path in (*changed, *(each.rpartition("/")[0] for each in (*moved, *gone))):
            directory = path
            while directory and directory not in parents:
                parents.add(directory)
                directory = directory.rpartition("/")[0]
        for path in sorted(parents):
            if not os.path.isdir(f"{upper}/{path}"):
                os.mkdir(f"{upper}/{path}", 0o700)
        attributes = [(path, os.lstat(f"{tree}/{path}")) for path in sorted(parents, reverse=True)]
        root = os.lstat(tree)
        for path in moved:
            self._move(path)
        for path in gone:
            remove_tree(f"{upper}/{path}")
            if self._is_below(path):
                make_whiteout(f"{upper}/{path}")
        for path, st in attributes:
            copy_metadata(f"{tree}/{path}", f"{upper}/{path}", self._ownership, st)
        copy_metadata(tree, upper, self._ownership, root)

    def _move(self, path: str) -> None:
        source, target = f"{self.tree}/{path}", f"{self._upper}/{path}"
        remove_tree(target)
        st = os.lstat(source)
        is_directory = stat.S_ISDIR(st.st_mode)
        if is_directory and st.st_mode & 0o700 != 0o700:
            os.chmod(source, 0o700)  # moving a directory changes its ".."
        os.rename(source, target)
        if is_directory:
            if path in self._before and self._is_below(path):
                make_opaque(target)
            os.chmod(target, stat.S_IMODE(st.st_mode))
            os.utime(target, ns=(st.st_atime_ns, st.st_mtime_ns))

    def _is_below(self, path: str) -> bool:
        """Tell whether the layers below have a path that is gone, as far as that can be seen."""
        return path not in self._own and path.rpartition("/")[0] not in self._own


def apply_layer(
    layer: Path,
    tree: Path,
    ownership: Ownership,
    *,
    make_directory: Callable[[str, str], None] | None = None,
    hide: Callable[[str], None] | None = None,
) -> None:
    """Put a layer directory on top of the files of a tree.

    Args:
        layer: It.
        tree: Where the others are already.
        ownership: Of both.
        make_directory: Makes the directory of a path, given where it is in both; without it, one
            that takes the place of a file, or is opaque, begins empty.
        hide: Called with the path of a whiteout, where nothing is any more.

    Raises:
        OSError: something cannot be written.
    """
    base, below = os.fspath(layer), os.fspath(tree)
    links: dict[tuple[int, int], str] = {}
    directories: list[tuple[str, os.stat_result]] = []
    for path, st in walk(layer):
        source, target = f"{base}/{path}", f"{below}/{path}"
        if stat.S_ISDIR(st.st_mode):
            (make_directory or _make_directory)(source, target)
            directories.append((path, st))
            continue
        remove_tree(target)
        if is_whiteout(st):
            if hide is not None:
                hide(target)
            continue
        inode = (st.st_dev, st.st_ino)
        if st.st_nlink > 1 and inode in links:
            os.link(links[inode], target, follow_symlinks=False)
            continue
        links[inode] = target
        copy_file(source, target, st, ownership)
    for path, st in reversed(directories):
        copy_metadata(f"{base}/{path}", f"{below}/{path}", ownership, st)


def copy_stack(lowers: Sequence[Path], target: Path, ownership: Ownership) -> None:
    """Make a directory that is a stack of layers, base first, in one.

    Raises:
        OSError: something cannot be written, or there is a file of this name.
    """
    target.mkdir(0o700)
    for directory in lowers:
        apply_layer(directory, target, ownership)
    copy_metadata(os.fspath(lowers[-1]), os.fspath(target), ownership)


def _make_directory(source: str, target: str) -> None:
    try:
        is_there = stat.S_ISDIR(os.lstat(target).st_mode)
    except FileNotFoundError:
        is_there = False
    if is_there:
        os.chmod(target, 0o700)
    if not is_there or is_opaque(source):
        remove_tree(target)
        os.mkdir(target, 0o700)


def copy_file(source: str, target: str, st: os.stat_result, ownership: Ownership) -> None:
    """Copy one file that is no directory, as it is on disk; devices where that is allowed."""
    kind = stat.S_IFMT(st.st_mode)
    if kind == stat.S_IFREG:
        origin = os.open(source, _READ)
        try:
            copy = os.open(target, _CREATE, 0o600)
            try:
                ByteCopier().copy(origin, copy, os.fstat(origin))
            finally:
                os.close(copy)
        finally:
            os.close(origin)
    elif kind == stat.S_IFLNK:
        os.symlink(os.readlink(source), target)
    elif kind == stat.S_IFSOCK:
        return
    else:
        try:
            os.mknod(target, st.st_mode, st.st_rdev)
        except PermissionError:
            return  # not in this container; nothing that works is lost
    copy_metadata(source, target, ownership, st)


def copy_metadata(
    source: str, target: str, ownership: Ownership, st: os.stat_result | None = None
) -> None:
    """Make a file what another is besides its bytes, as both are on disk."""
    st = st or os.lstat(source)
    if not ownership.is_recorded:  # notes are attributes, and copied as such
        os.chown(target, st.st_uid, st.st_gid, follow_symlinks=False)
    if stat.S_ISREG(st.st_mode) or stat.S_ISDIR(st.st_mode):
        _copy_xattrs(source, target)
    if not stat.S_ISLNK(st.st_mode):
        os.chmod(target, stat.S_IMODE(st.st_mode))
    times = (st.st_atime_ns, st.st_mtime_ns)
    os.utime(target, ns=times, follow_symlinks=False)


def _copy_xattrs(source: str, target: str) -> None:
    try:
        names = os.listxattr(source, follow_symlinks=False)
    except OSError:
        return
    for name in names:
        if name.startswith(USER_PREFIX) or not name.startswith(_KEPT):
            continue
        try:
            value = os.getxattr(source, name, follow_symlinks=False)
            os.setxattr(target, name, value, follow_symlinks=False)
        except OSError as error:
            if error.errno not in _NO_ATTRIBUTES:
                raise


def _drop_overlay_xattrs(path: str, st: os.stat_result) -> None:
    """Remove what a step wrote in the name of overlayfs, which would refuse it."""
    if stat.S_ISREG(st.st_mode) or stat.S_ISDIR(st.st_mode):
        with suppress(OSError):  # no attributes here
            for name in os.listxattr(path, follow_symlinks=False):
                if name.startswith((USER_PREFIX, TRUSTED_PREFIX)):
                    remove_xattr(path, name)


def _is_same(before: State, now: State) -> bool:
    """Tell whether a file is unchanged; it is when only another name of it was removed."""
    return before == now or (before[:-2] == now[:-2] and now[-2] < before[-2])

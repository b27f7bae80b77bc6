"""Mounts without mount(2): files are put in their place for a step and taken away after it.

In:  a directory that is a root file system, the mounts of a spec.
Out: the files in place; afterwards, what was there and the times of directories are back.

Contents of exclusive directories (cache mounts) are moved in and out again, everything else is
copied in and dropped. Read-only mounts can be written, and the writes are lost.

Security: targets are resolved inside the root, before the process runs and again after it.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from jettison.errors import SandboxUnavailableError
from jettison.fs.host_tree import HostTree
from jettison.fs.lock import FileLock
from jettison.fs.ownership import Ownership
from jettison.fs.remove import remove_tree
from jettison.fs.resolve import resolve
from jettison.sandbox.rootfs.copied_root import copy_file, copy_metadata, copy_stack
from jettison.sandbox.spec import BindMount, FileMount, Mount, OverlayMount, TmpfsMount


class EmulatedMounts:
    """The emulated mounts of one root.

    Args:
        tree: The root.
        aside: A directory on the same file system; must not exist.
        ownership: How owners are kept in it.
    """

    def __init__(self, tree: Path, aside: Path, ownership: Ownership) -> None:
        self._ownership = ownership
        self._tree = os.fspath(tree)
        self._aside = aside
        self._steps_back = ExitStack()
        self._count = 0
        self._moved: dict[str, str] = {}
        self._times: dict[str, tuple[int, int]] = {}
        self.restored: list[str] = []
        """Paths that were moved away and are back."""
        self.memory_files: list[tuple[bytes, bytes]] = []
        """Files on disk without content, and their contents: for ``init.notify.memory_files``."""
        aside.mkdir(0o700)

    def make_all(self, mounts: Sequence[Mount]) -> None:
        """Make mounts, in order; directories keep their times.

        Raises:
            SandboxUnavailableError: one is impossible without mounting.
            OSError: a place cannot be made.
        """
        for mount in mounts:
            self._make(mount)
        for directory, times in self._times.items():
            os.utime(directory, ns=times)

    def _make(self, mount: Mount) -> None:
        match mount:
            case BindMount():
                self._bind(mount)
            case OverlayMount():
                self._overlay(mount)
            case TmpfsMount():
                self.make_directory(mount.target, mount.mode)
            case FileMount():
                self._file(mount)

    def make_directory(self, path: str, mode: int = 0o755) -> str:
        """Put an empty directory at a path; return where it is on the host."""
        target = self.place(path)
        os.mkdir(target, 0o700)
        os.chmod(target, mode)
        return target

    def undo(self) -> None:
        """Take everything away again; directories keep the times that the process left."""
        left = [each for each in self._times if self._is_still_directory(each)]
        times = {each: _times(each) for each in left}
        self._steps_back.close()
        for directory in left:
            if self._is_still_directory(directory):
                os.utime(directory, ns=times[directory], follow_symlinks=False)

    def place(self, path: str) -> str:
        """Make room at a path and its parents where they lack; return where it is on the host."""
        try:
            inside = resolve(HostTree(Path(self._tree)), path)
        except OSError as error:
            raise _impossible(path, (error.strerror or str(error)).lower()) from error
        *parents, _ = inside.strip("/").split("/")
        here = self._tree
        for name in parents:
            here = f"{here}/{name}"
            if not os.path.lexists(here):
                self._note_times(os.path.dirname(here))
                os.mkdir(here, 0o755)
                self._steps_back.callback(self._remove_empty, here)
        target = self._tree + inside
        self._note_times(here)
        if os.path.lexists(target):
            self._count += 1
            kept = f"{self._aside}/{self._count}"
            os.rename(target, kept)
            self._steps_back.callback(self._restore, kept, target)
        self._steps_back.callback(self._remove, target)
        return target

    def _file(self, mount: FileMount) -> None:
        target = self.place(mount.target)
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC
        with open(os.open(target, flags, 0o600), "wb") as file:
            if mount.secret and not mount.mode & 0o111:  # what is executed is not opened
                file.truncate(len(mount.content))
                self.memory_files.append((os.fsencode(target), mount.content))
            else:
                file.write(mount.content)
        self._ownership.chown(target, (mount.uid, mount.gid))
        os.chmod(target, mount.mode)

    def _bind(self, mount: BindMount) -> None:
        source = os.fspath(mount.source)
        st = os.stat(source)
        if stat.S_ISSOCK(st.st_mode):
            try:
                os.link(source, self.place(mount.target))
            except OSError as error:
                raise _impossible(mount.target, "the socket is on another file system") from error
        elif stat.S_ISDIR(st.st_mode) and mount.exclusive:
            self._move_in(mount, st)
        elif not (mount.readonly or mount.copy_up):
            raise _impossible(mount.target, "a directory of the host cannot be shared")
        else:
            self._copy_in(source, self.place(mount.target))

    def _overlay(self, mount: OverlayMount) -> None:
        self._count += 1
        merged = self._aside / str(self._count)
        copy_stack(mount.lowers, merged, self._ownership)
        target = self.place(mount.target)
        selected = f"{merged}/{mount.selector.strip('/')}".rstrip("/")
        mode = os.lstat(selected).st_mode
        if stat.S_ISDIR(mode):
            os.chmod(selected, 0o700)
        os.rename(selected, target)
        if stat.S_ISDIR(mode):
            os.chmod(target, stat.S_IMODE(mode))

    def _copy_in(self, source: str, target: str) -> None:
        st = os.stat(source)
        if not stat.S_ISDIR(st.st_mode):
            copy_file(os.path.realpath(source), target, st, self._ownership)
            return
        copy_stack([Path(source)], Path(target), self._ownership)

    def _move_in(self, mount: BindMount, st: os.stat_result) -> None:
        """Move the contents of a directory to a place; a second place links to the first.

        Raises:
            SandboxUnavailableError: another container has them. Who waits for one does so before.
        """
        source = os.fspath(mount.source)
        target = self.place(mount.target)
        if source in self._moved:
            os.symlink(self._moved[source], target)
            return
        lock = FileLock(Path(f"{source}.moved.lock"))
        if not lock.acquire(wait=False):
            raise _impossible(mount.target, "another container uses the directory")
        self._moved[source] = target.removeprefix(self._tree)
        self._steps_back.callback(lock.release, remove=True)
        os.mkdir(target, 0o700)
        for name in os.listdir(source):
            os.rename(f"{source}/{name}", f"{target}/{name}")
        copy_metadata(source, target, self._ownership, st)
        self._steps_back.callback(self._move_out, target, source)

    def _move_out(self, target: str, source: str) -> None:
        if self._is_still_directory(target):
            for name in os.listdir(target):
                os.rename(f"{target}/{name}", f"{source}/{name}")

    def _note_times(self, directory: str) -> None:
        self._times.setdefault(directory, _times(directory))

    def _remove(self, target: str) -> None:
        if self._is_reachable(target):
            remove_tree(target)

    def _restore(self, kept: str, target: str) -> None:
        if self._is_reachable(target):
            os.rename(kept, target)
            self.restored.append(os.path.relpath(target, self._tree))

    def _remove_empty(self, directory: str) -> None:
        if self._is_reachable(directory):
            with contextlib.suppress(OSError):  # the process has put something there
                os.rmdir(directory)

    def _is_still_directory(self, path: str) -> bool:
        return self._is_reachable(path) and _is_directory(path)

    def _is_reachable(self, path: str) -> bool:
        """Tell whether a path leads through directories only: the process may have put links."""
        here = self._tree
        for name in os.path.relpath(path, self._tree).split("/")[:-1]:
            here = f"{here}/{name}"
            if not _is_directory(here):
                return False
        return True


def _is_directory(path: str) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except FileNotFoundError:
        return False


def _times(directory: str) -> tuple[int, int]:
    st = os.lstat(directory)
    return st.st_atime_ns, st.st_mtime_ns


def _impossible(target: str, why: str) -> SandboxUnavailableError:
    return SandboxUnavailableError(
        f"cannot mount `{target}` in the sandbox `in-container`: {why}",
        hint="Allow namespaces (see `jettison doctor`), or do without this mount.",
    )

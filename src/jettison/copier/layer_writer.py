"""Makes directories and files in a layer directory.

In:  directories as planned, facts of files.
Out: the same on disk, with owners, modes, attributes and times; whiteouts.

Security: the directory is below the store's ``tmp`` and nobody else's, so its paths are plain.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from jettison.copier.destination import Destination
from jettison.copier.layout import Directory
from jettison.errors import HostError
from jettison.fs.overlay_form import make_opaque, make_whiteout
from jettison.fs.xattr import set_xattr

_OPEN_TARGET = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_OPEN_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_MAX_OPEN_DIRECTORIES = 64


class LayerWriter:
    """Makes files in a layer directory; a few of its directories are kept open."""

    def __init__(self, upper: Path, created_ns: int) -> None:
        self.root = os.fspath(upper)
        self.created_ns = created_ns
        facts = os.stat(self.root)
        # Files take the group of a set-group-ID directory, else ours.
        inherits = facts.st_mode & stat.S_ISGID
        self._own = (os.geteuid(), facts.st_gid if inherits else os.getegid())
        self._open: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for descriptor in self._open.values():
            os.close(descriptor)
        self._open.clear()

    def directory(self, path: str) -> int:
        """Return an open descriptor of a directory of the layer."""
        descriptor = self._open.get(path)
        if descriptor is None:
            if len(self._open) >= _MAX_OPEN_DIRECTORIES:
                for each in self._open.values():
                    os.close(each)
                self._open.clear()
            descriptor = self._open[path] = os.open(self.root + path, _OPEN_DIRECTORY)
        return descriptor

    def make_directories(self, destination: Destination) -> None:
        """Make all directories, writable for now."""
        for path in sorted(destination.directories):
            if path:
                os.mkdir(self.root + path, 0o700)

    def finish(self, destination: Destination) -> None:
        """Make whiteouts, then give directories their attributes, the deepest first."""
        for path in sorted(destination.whiteouts):
            parent, _, name = path.rpartition("/")
            make_whiteout(name, dir_fd=self.directory(parent))
        for path in sorted(destination.directories, reverse=True):
            self._finish_directory(path, destination.directories[path])

    def create(self, directory: int, name: str) -> int:
        """Create a file and return its descriptor."""
        return os.open(name, _OPEN_TARGET, 0o600, dir_fd=directory)

    def make_node(self, directory: int, name: str, mode: int, rdev: int) -> None:
        """Make a FIFO or device.

        Raises:
            HostError: this process may not make devices.
        """
        try:
            os.mknod(name, mode, rdev, dir_fd=directory)
        except PermissionError as error:
            raise HostError(
                f"this process may not make the device `{name}`",
                hint="leave devices out, or build as root of the machine",
            ) from error

    def link(self, path: str, directory: int, name: str) -> None:
        """Make a hard link to a file of the layer."""
        os.link(self.root + path, name, dst_dir_fd=directory, follow_symlinks=False)

    def set_facts(
        self,
        target: int,
        mode: int,
        owner: tuple[int, int],
        mtime_ns: int,
        xattrs: Mapping[str, bytes],
    ) -> None:
        """Set what an open file is besides its bytes, in the order that keeps all of it."""
        if owner != self._own:
            _give(target, owner)
        os.fchmod(target, stat.S_IMODE(mode))
        for name, value in xattrs.items():
            set_xattr(target, name, value)
        os.utime(target, ns=(mtime_ns, mtime_ns))

    def set_special_facts(
        self, directory: int, name: str, mode: int, owner: tuple[int, int], mtime_ns: int
    ) -> None:
        """Set what a file is that cannot be opened: a link, FIFO or device."""
        if owner != self._own:
            _give(name, owner, directory)
        if not stat.S_ISLNK(mode):
            os.chmod(name, stat.S_IMODE(mode), dir_fd=directory)
        os.utime(name, ns=(mtime_ns, mtime_ns), dir_fd=directory, follow_symlinks=False)

    def _finish_directory(self, path: str, facts: Directory) -> None:
        descriptor = os.open(self.root + path, _OPEN_DIRECTORY)
        try:
            if facts.opaque:
                make_opaque(descriptor)
            mtime_ns = facts.mtime_ns if facts.mtime_ns is not None else self.created_ns
            owner = (facts.uid, facts.gid)
            self.set_facts(descriptor, facts.mode, owner, mtime_ns, facts.xattrs)
        finally:
            os.close(descriptor)


def _give(target: int | str, owner: tuple[int, int], directory: int | None = None) -> None:
    """Change the owner of an open file, or of a name in an open directory.

    Raises:
        HostError: this process may not.
    """
    try:
        if isinstance(target, int):
            os.fchown(target, *owner)
        else:
            os.chown(target, *owner, dir_fd=directory, follow_symlinks=False)
    except OSError as error:
        if error.errno not in {errno.EPERM, errno.EINVAL}:
            raise
        raise HostError(
            f"this process may not give files to user {owner[0]} and group {owner[1]}",
            hint="build as root, or give your user subordinate IDs in /etc/subuid and /etc/subgid",
        ) from error

"""Makes directories and files in a layer directory.

In:  directories as planned, stat results of files.
Out: the same on disk, with owners, modes, attributes and times; whiteouts.

Security: the directory is below the store's ``tmp`` and nobody else's, so its paths are plain.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from jettison.copier.destination import Destination
from jettison.copier.planned import Directory
from jettison.errors import HostError
from jettison.fs.overlay_form import make_opaque, make_whiteout
from jettison.fs.ownership import Ownership
from jettison.fs.xattr import set_xattr

_OPEN_TARGET = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_OPEN_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_MAX_OPEN_DIRECTORIES = 64


class OpenDirectories:
    """Open directories of a layer by path; not too many at once."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._open: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        for descriptor in self._open.values():
            os.close(descriptor)
        self._open.clear()

    def get(self, path: str) -> int:
        """Return the descriptor of a directory; it may be closed when another is asked for."""
        descriptor = self._open.get(path)
        if descriptor is None:
            if len(self._open) >= _MAX_OPEN_DIRECTORIES:
                self.__exit__()
            descriptor = self._open[path] = os.open(self._root + path, _OPEN_DIRECTORY)
        return descriptor


class LayerWriter:
    """Makes files in a layer directory; use it as a context manager.

    Args:
        upper: The directory.
        ownership: How owners are kept in it.
        created_ns: Time of what is made, nanoseconds since the epoch.
    """

    def __init__(self, upper: Path, ownership: Ownership, created_ns: int) -> None:
        self.root = os.fspath(upper)
        self.ownership = ownership
        self.created_ns = created_ns
        st = os.stat(self.root)
        # Files take the group of a set-group-ID directory, else ours.
        inherits = st.st_mode & stat.S_ISGID
        group = st.st_gid if inherits else os.getegid()
        self.default_owner = ownership.new_owner(os.geteuid(), group)
        self._directories = OpenDirectories(self.root)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._directories.__exit__()

    def directory(self, path: str) -> int:
        """Return the descriptor of a directory; it may be closed when another is asked for."""
        return self._directories.get(path)

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
            self.ownership.make_node(name, mode, rdev, directory)
        except PermissionError as error:
            raise HostError(
                f"this process may not make the device `{name}`",
                hint="leave devices out, or build as root of the machine",
            ) from error

    def link(self, path: str, directory: int, name: str) -> None:
        """Make a hard link to a file of the layer."""
        os.link(self.root + path, name, dst_dir_fd=directory, follow_symlinks=False)

    def set_metadata(
        self,
        target: int,
        mode: int | None,
        owner: tuple[int, int],
        mtime_ns: int,
        xattrs: Mapping[str, bytes],
    ) -> None:
        """Set what an open file is besides its bytes, in the order that keeps all of it.

        Args:
            target: Its descriptor.
            mode: Its mode; None is right already.
            owner: User and group.
            mtime_ns: Nanoseconds since the epoch.
            xattrs: Attributes; a new owner would remove capabilities, so they come later.

        Raises:
            HostError: this process may not give files away.
        """
        if owner != self.default_owner:
            self._chown(target, owner)
        if mode is not None:
            self.ownership.set_mode(target, stat.S_IMODE(mode))
        for name, value in xattrs.items():
            set_xattr(target, name, value)
        os.utime(target, ns=(mtime_ns, mtime_ns))

    def set_special_metadata(
        self, directory: int, name: str, mode: int, owner: tuple[int, int], mtime_ns: int
    ) -> None:
        """Set what a file is that cannot be opened: a link, FIFO or device."""
        if owner != self.default_owner:
            self._chown(name, owner, directory)
        if not stat.S_ISLNK(mode):
            self.ownership.set_mode(name, stat.S_IMODE(mode), directory)
        os.utime(name, ns=(mtime_ns, mtime_ns), dir_fd=directory, follow_symlinks=False)

    def _finish_directory(self, path: str, planned: Directory) -> None:
        descriptor = os.open(self.root + path, _OPEN_DIRECTORY)
        try:
            if planned.opaque:
                make_opaque(descriptor)
            mtime_ns = planned.mtime_ns if planned.mtime_ns is not None else self.created_ns
            owner = (planned.uid, planned.gid)
            self.set_metadata(descriptor, planned.mode, owner, mtime_ns, planned.xattrs)
        finally:
            os.close(descriptor)

    def _chown(self, target: int | str, owner: tuple[int, int], parent: int | None = None) -> None:
        """Change the owner of an open file, or of a name in an open directory.

        Raises:
            HostError: this process may not.
        """
        try:
            self.ownership.chown(target, owner, parent)
        except OSError as error:
            if error.errno not in {errno.EPERM, errno.EINVAL}:
                raise
            raise HostError(
                f"this process may not give files to user {owner[0]} and group {owner[1]}",
                hint="build as root, or give your user subordinate IDs in /etc/subuid and"
                " /etc/subgid",
            ) from error

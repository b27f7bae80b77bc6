"""Mount points in the root file system: found below the root, made when missing, remembered.

In:  paths of the container as bytes.
Out: descriptors of mount points; ``wire.Ready`` for whoever removes them afterwards.

Making a mount point on an overlay copies its parent directories up, and changes the parent's
times. The times are restored at once, so that a later difference is the container's own;
``Ready.parents`` says how the copied directories were, so that untouched ones can be removed too.

Security: links of the image are resolved below the root.
"""

from __future__ import annotations

import errno
import os
import stat

from jettison.linux.files import fingerprint, open_in_root
from jettison.sandbox.wire import CopiedDirectory, MountPoint, Ready

_LINKS = 40
_FDINFO_BYTES = 4096
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY


def at(descriptor: int, name: bytes = b"") -> bytes:
    """Return a path that names what a descriptor is open on."""
    path = b"/proc/self/fd/%d" % descriptor
    return path + b"/" + name if name else path


class MountPoints:
    """Mount points below one root.

    Args:
        root: Descriptor of the mounted root.
        path: Where it is mounted on the host.
        upper: Descriptor of the directory that gets changes, opened before the mount.
    """

    def __init__(self, root: int, path: bytes, upper: int) -> None:
        self.root = root
        self._path = path
        self._upper = upper
        self._mount = _mount_id(root)
        self._made: list[MountPoint] = []
        self._parents: dict[bytes, bytes] = {}

    def ready(self) -> Ready:
        """Return what was made, and how directories were that were copied up for it."""
        parents = [
            CopiedDirectory(path=path, fingerprint=before) for path, before in self._parents.items()
        ]
        return Ready(points=self._made, parents=parents, pid=0)

    def find(self, path: bytes) -> int:
        """Open a mount point that exists, below the root.

        Raises:
            FileNotFoundError: it does not.
        """
        return open_in_root(self.root, path)

    def make(self, path: bytes, *, directory: bool) -> int:
        """Open a mount point, made when missing, together with its parents.

        Raises:
            OSError: it is of the other kind, or a parent is no directory.
        """
        for _ in range(_LINKS):
            try:
                return self._checked(open_in_root(self.root, path), path, directory=directory)
            except FileNotFoundError:
                path = self._make_first_missing(path, directory=directory)
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), os.fsdecode(path))

    def make_plain(self, name: bytes) -> int:
        """Open a directory of the root for a system mount: made when missing, never a link."""
        try:
            found = os.stat(name, dir_fd=self.root, follow_symlinks=False)
        except FileNotFoundError:
            return self.make(name, directory=True)
        if not stat.S_ISDIR(found.st_mode):
            raise OSError(errno.ENOTDIR, "must be a directory in the image", b"/" + name)
        return open_in_root(self.root, name)

    def _checked(self, descriptor: int, path: bytes, *, directory: bool) -> int:
        is_directory = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        if is_directory == directory:
            return descriptor
        os.close(descriptor)
        if directory:
            raise OSError(errno.ENOTDIR, "a directory cannot be mounted over a file", path)
        raise OSError(errno.EISDIR, "a file cannot be mounted over a directory", path)

    def _make_first_missing(self, path: bytes, *, directory: bool) -> bytes:
        """Make the first missing component; return the path to go on with."""
        parts = [part for part in path.split(b"/") if part not in {b"", b"."}]
        for count in range(1, len(parts) + 1):
            before = b"/".join(parts[: count - 1])
            name = parts[count - 1]
            try:
                os.close(open_in_root(self.root, b"/".join(parts[:count])))
                continue
            except FileNotFoundError:
                pass
            parent = open_in_root(self.root, before, _DIRECTORY)
            try:
                target = _readlink(name, parent)
                if target is not None:  # dangling: what it points at is made instead
                    base = b"" if target.startswith(b"/") else before
                    # No slash at the end, which asks for a directory.
                    return b"/".join([base, target.rstrip(b"/"), *parts[count:]])
                last = count == len(parts)
                self._create(parent, name, directory=directory or not last)
            finally:
                os.close(parent)
            break
        return path

    def _create(self, parent: int, name: bytes, *, directory: bool) -> None:
        times = os.fstat(parent)
        on_root = _mount_id(parent) == self._mount
        where = os.readlink(b"/proc/self/fd/%d" % parent)[len(self._path) :].strip(b"/")
        if on_root:
            self._remember(where)
        try:
            if directory:
                os.mkdir(name, 0o755, dir_fd=parent)
            else:
                flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC
                os.close(os.open(name, flags, 0o644, dir_fd=parent))
        except FileExistsError:
            return  # another container that shares the mount made it just now
        if on_root:
            os.utime(parent, ns=(times.st_atime_ns, times.st_mtime_ns))
            path = where + b"/" + name if where else name
            self._made.append(MountPoint(path=path, directory=directory))

    def _remember(self, where: bytes) -> None:
        """Note how a directory and those above it are, when the mount point copies them up."""
        while where and where not in self._parents:
            try:
                os.stat(where, dir_fd=self._upper, follow_symlinks=False)
            except FileNotFoundError:
                descriptor = open_in_root(self.root, where, _DIRECTORY)
                self._parents[where] = fingerprint(descriptor)
                os.close(descriptor)
            else:
                return
            where = where.rpartition(b"/")[0]


def _readlink(name: bytes, parent: int) -> bytes | None:
    try:
        return os.readlink(name, dir_fd=parent)
    except OSError:
        return None


def _mount_id(descriptor: int) -> bytes:
    info = os.open(b"/proc/self/fdinfo/%d" % descriptor, os.O_RDONLY | os.O_CLOEXEC)
    try:
        lines = os.read(info, _FDINFO_BYTES).split(b"\n")
    finally:
        os.close(info)
    return next((line for line in lines if line.startswith(b"mnt_id:")), b"")

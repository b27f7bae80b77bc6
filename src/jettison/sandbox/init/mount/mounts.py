"""The mounts of a spec, files made of bytes, and the paths that are hidden.

In:  ``wire.Mount``s, in the order in which they are made.
Out: mounts below the root; nothing of them is left in the root's directory.

A tmpfs at ``/dev/.jettison`` holds scratch directories, files and device nodes while the container
is put together. It is unmounted at the end and lives on behind the mounts that were made of it.
"""

from __future__ import annotations

import errno
import os
import stat

from jettison.linux.files import open_in_root
from jettison.linux.mount import (
    MNT_DETACH,
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    MS_RDONLY,
    allow_devices,
    bind,
    make_readonly,
    mount,
    restrict,
    unmount,
)
from jettison.sandbox.init import step
from jettison.sandbox.init.mount.nodes import Nodes
from jettison.sandbox.init.mount.points import MountPoints, at
from jettison.sandbox.init.mount.root import mount_stack
from jettison.sandbox.wire import BindMount, FileMount, Mount, OverlayMount, TmpfsMount

_PLAIN = MS_NOSUID | MS_NODEV | MS_NOEXEC
_SCRATCH = MS_NOSUID
_STAGING = b".jettison"
_CHUNK = 1 << 20


class Mounter:
    """Makes the mounts of one container.

    Args:
        points: Mount points.
        work: Directory on disk for what is written to copied-up mounts, or empty.
        userxattr: See ``linux.mount.overlay``.
    """

    def __init__(self, points: MountPoints, work: bytes, *, userxattr: bool) -> None:
        self._points = points
        self._userxattr = userxattr
        self._work = work
        self._count = 0
        self._taken: set[bytes] = set()
        self._dev = points.find(b"dev")
        os.mkdir(_STAGING, 0o700, dir_fd=self._dev)
        mount(b"tmpfs", at(self._dev, _STAGING), b"tmpfs", _SCRATCH | MS_NODEV, b"mode=700")
        # By descriptor, since a mount of the spec may hide `/dev`.
        self._root = points.find(b"dev/" + _STAGING)
        self._staging = at(self._root)

    def close(self) -> None:
        """Take the scratch directory out of sight."""
        unmount(self._staging, MNT_DETACH)
        os.close(self._root)
        try:
            os.rmdir(_STAGING, dir_fd=self._dev)
        except OSError as error:
            # A bind mount of the host's whole tree has a copy of the mount that was on it.
            if error.errno != errno.EBUSY:
                raise
        os.close(self._dev)

    def restrict(self) -> Nodes:
        """Let no device be opened on any mount that there is; return those that may be shown."""
        restrict(at(self._points.root), MS_NODEV, private=True)
        allow_devices(self._staging, _SCRATCH)
        place = self._name()
        os.mkdir(place)
        return Nodes(place)

    @property
    def taken(self) -> frozenset[bytes]:
        """Names in ``/dev`` that have a mount of the spec; ``/dev`` if it is one itself."""
        return frozenset(self._taken)

    def make(self, entry: Mount) -> None:
        """Make one mount of a spec."""
        step.enter(f"mount {os.fsdecode(entry.target)}")
        self._taken.add(os.path.normpath(entry.target).removeprefix(b"/dev/"))
        match entry:
            case BindMount():
                self._bind(entry)
            case OverlayMount():
                self._overlay(entry)
            case TmpfsMount():
                self._tmpfs(entry)
            case FileMount():
                self._file(entry)

    def show_device(self, target: bytes, source: bytes) -> None:
        """Bind a device of the host; only its own mount lets it be opened."""
        step.enter(f"show the device {os.fsdecode(target)}")
        point = self._points.make(target, directory=False)
        bind(source, at(point), recursive=False)
        os.close(point)

    def _bind(self, entry: BindMount) -> None:
        directory = os.path.isdir(entry.source)
        point = self._points.make(entry.target, directory=directory)
        try:
            if not entry.copy_up:
                bind(entry.source, at(point))
            elif directory:
                merged, scratch = self._scratch(disk=True)
                lowers = [entry.source]
                mount_stack(merged, lowers, scratch, writable=True, userxattr=self._userxattr)
                bind(merged, at(point))
            else:
                bind(self._copy(entry.source), at(point), recursive=False)
        finally:
            os.close(point)
        if entry.readonly:
            self._protect(entry.target)

    def _overlay(self, entry: OverlayMount) -> None:
        place, scratch = self._scratch(disk=not entry.readonly)
        mount_stack(
            place,
            entry.lowers,
            scratch,
            writable=not entry.readonly,
            userxattr=self._userxattr,
            merged=entry.merged,
        )
        root = os.open(place, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        source = open_in_root(root, entry.selector)
        directory = stat.S_ISDIR(os.fstat(source).st_mode)
        point = self._points.make(entry.target, directory=directory)
        bind(at(source), at(point), recursive=False)
        for descriptor in (point, source, root):
            os.close(descriptor)
        if entry.readonly:
            self._protect(entry.target)

    def _tmpfs(self, entry: TmpfsMount) -> None:
        point = self._points.make(entry.target, directory=True)
        size = b",size=%d" % entry.size_bytes if entry.size_bytes else b""
        options = b"mode=%o" % entry.mode + size
        mount(b"tmpfs", at(point), b"tmpfs", MS_NOSUID | MS_NODEV, options)
        os.close(point)

    def _file(self, entry: FileMount) -> None:
        path = self._name()
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        with open(descriptor, "wb") as file:
            file.write(entry.content)
            os.fchown(file.fileno(), entry.uid, entry.gid)
            os.fchmod(file.fileno(), entry.mode)
        point = self._points.make(entry.target, directory=False)
        bind(path, at(point), recursive=False)
        os.close(point)
        if entry.readonly:
            self._protect(entry.target)

    def _protect(self, target: bytes) -> None:
        point = self._points.find(target)
        make_readonly(at(point))
        os.close(point)

    def _name(self) -> bytes:
        self._count += 1
        return b"%s/%d" % (self._staging, self._count)

    def _scratch(self, *, disk: bool) -> tuple[bytes, bytes]:
        """Make a mount point and a scratch directory; big writes belong on disk."""
        merged = self._name()
        os.mkdir(merged)
        scratch = self._name()
        if disk and self._work:
            scratch = b"%s/mount-%d" % (self._work, self._count)
        os.mkdir(scratch)
        return merged, scratch

    def _copy(self, source: bytes) -> bytes:
        """Copy a file so that what is written to it is lost."""
        path = self._name()
        found = os.stat(source)
        with open(source, "rb", buffering=0) as reader, open(path, "xb", buffering=0) as writer:
            while os.sendfile(writer.fileno(), reader.fileno(), None, _CHUNK):
                pass
            os.fchown(writer.fileno(), found.st_uid, found.st_gid)
            os.fchmod(writer.fileno(), found.st_mode & 0o7777)
        os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
        return path


def hide(points: MountPoints, nodes: Nodes, masked: list[bytes], readonly: list[bytes]) -> None:
    """Hide paths and write-protect others; those that do not exist are skipped."""
    for path in masked:
        point = _existing(points, path)
        if point is not None:
            _mask(point, nodes)
            os.close(point)
    for path in readonly:
        point = _existing(points, path)
        if point is not None:
            bind(at(point), at(point))
            os.close(point)
            point = points.find(path)
            make_readonly(at(point))
            os.close(point)


def _existing(points: MountPoints, path: bytes) -> int | None:
    try:
        return points.find(path)
    except OSError as error:
        if error.errno in {errno.ENOENT, errno.ENOTDIR, errno.EACCES}:
            return None
        raise


def _mask(point: int, nodes: Nodes) -> None:
    if stat.S_ISDIR(os.fstat(point).st_mode):
        mount(b"tmpfs", at(point), b"tmpfs", _PLAIN | MS_RDONLY, b"size=0")
    else:
        nodes.show(b"null", at(point))

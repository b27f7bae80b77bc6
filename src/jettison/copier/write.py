"""Writes a planned layer as an overlay directory.

In:  the selection, the destination planned for it, an empty directory ``upper``.
Out: the directories, files and whiteouts of the layer, with owners, modes, attributes and times.

Copied files keep their mtime. Files of committed layers are hard links where nothing about them
changes; the rest is copied by the kernel (which shares blocks where the file system can).

Security: reads never follow a link in the last component, and of a source that other programs may
write (a build context) only the very file that was selected is read: same inode, size and time.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from types import TracebackType
from typing import Self

from jettison.copier.destination import Destination
from jettison.copier.layout import Directory, Placed
from jettison.copier.select import Entry, Selected, Selection
from jettison.errors import ContextError, HostError
from jettison.fs.failure import storage_errors
from jettison.fs.overlay_form import make_opaque, make_whiteout
from jettison.fs.tree import FileStat, Tree
from jettison.fs.xattr import set_xattr
from jettison.plan.op import CopyOp
from jettison.snapshot.stack import StackTree

_OPEN_SOURCE = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_OPEN_TARGET = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_OPEN_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_MAX_OPEN_DIRECTORIES = 64
_CHUNK_BYTES = 1 << 20
_NO_KERNEL_COPY = frozenset(
    {errno.EXDEV, errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS, errno.EPERM}
)
_NO_LINK = frozenset({errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK})


def write(
    op: CopyOp,
    selection: Selection,
    destination: Destination,
    upper: Path,
    *,
    created_ns: int,
    link: bool = False,
) -> None:
    """Write the layer of a COPY or ADD.

    Args:
        op: The op.
        selection: What it copies.
        destination: What ``examine`` planned for the selection.
        upper: An empty directory.
        created_ns: Time of inline files and of directories that are made, nanoseconds since the
            epoch.
        link: Whether files of committed layers may be hard links: only if ``upper`` will be a
            committed layer too, which is never written again.

    Raises:
        ContextError: a file changed or vanished since it was selected.
        StorageError: the store cannot be written.
        HostError: this process may not give files away.
    """
    with storage_errors(upper), LayerWriter(upper, created_ns) as writer:
        writer.make_directories(destination)
        copier = _Copier(selection, destination, writer, link=link)
        for path, placed in destination.files.items():
            copier.copy(path, placed)
        writer.finish(destination)


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

    def set_facts(
        self,
        target: int,
        mode: int,
        owner: tuple[int, int],
        mtime_ns: int,
        xattrs: dict[str, bytes],
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
            self.set_facts(descriptor, facts.mode, owner, mtime_ns, dict(facts.xattrs))
        finally:
            os.close(descriptor)


class _Copier:
    """Copies the files of a selection; ``link`` allows hard links to committed layers."""

    def __init__(
        self, selection: Selection, destination: Destination, writer: LayerWriter, *, link: bool
    ) -> None:
        self._sources = selection.sources
        self._owner = None
        if destination.owner is not None:
            self._owner = (destination.owner.uid, destination.owner.gid)
        self._writer = writer
        self._link = link
        self._kernel_copies = True
        self._leaders: dict[tuple[int, int], str] = {}
        self._linked: set[tuple[int, int]] = set()

    def copy(self, path: str, placed: Placed) -> None:
        """Make one file of the layer."""
        writer = self._writer
        parent, _, name = path.rpartition("/")
        directory = writer.directory(parent)
        source = self._sources[placed.source]
        if source.tree is None:
            self._inline(directory, name, source)
            return
        entry = source.entries[placed.entry]
        facts, mode = entry.facts, entry.mode
        owner = self._owner or (facts.uid, facts.gid)
        if stat.S_ISLNK(mode):
            os.symlink(entry.target, name, dir_fd=directory)
        elif not stat.S_ISREG(mode):
            os.mknod(name, mode, facts.rdev, dir_fd=directory)
        elif not facts.is_file:  # stands for a socket
            os.close(writer.create(directory, name))
        else:
            self._regular(path, placed, source.tree, entry, owner)
            return
        writer.set_special_facts(directory, name, mode, owner, facts.mtime_ns)

    def _inline(self, directory: int, name: str, source: Selected) -> None:
        writer = self._writer
        target = writer.create(directory, name)
        try:
            _write_all(target, source.content)
            writer.set_facts(target, source.mode, self._owner or (0, 0), writer.created_ns, {})
        finally:
            os.close(target)

    def _regular(
        self, path: str, placed: Placed, tree: Tree, entry: Entry, owner: tuple[int, int]
    ) -> None:
        writer, facts = self._writer, entry.facts
        parent, _, name = path.rpartition("/")
        directory = writer.directory(parent)
        if facts.nlink > 1:
            first = entry.leader if entry.leader >= 0 else placed.entry
            leader = self._leaders.setdefault((placed.source, first), path)
            if leader != path:
                os.link(writer.root + leader, name, dst_dir_fd=directory, follow_symlinks=False)
                return
        if self._link and self._link_to_layer(tree, entry, owner, directory, name):
            return
        target = writer.create(directory, name)
        try:
            self._copy_bytes(tree, entry, target)
            writer.set_facts(target, entry.mode, owner, facts.mtime_ns, entry.xattrs)
        finally:
            os.close(target)

    def _link_to_layer(
        self, tree: Tree, entry: Entry, owner: tuple[int, int], directory: int, name: str
    ) -> bool:
        """Link a file of a committed layer, if nothing about it changes."""
        facts = entry.facts
        if (
            not isinstance(tree, StackTree)
            or entry.mode != facts.mode
            or owner != (facts.uid, facts.gid)
        ):
            return False
        origin = tree.host_path(entry.origin)
        inode = _inode(origin)
        # Two copies of one file are two files, unless the source says that they are one.
        if inode in self._linked:
            return False
        try:
            os.link(origin, name, dst_dir_fd=directory, follow_symlinks=False)
        except OSError as error:
            if error.errno not in _NO_LINK:
                raise
            self._link = error.errno == errno.EMLINK
            return False
        self._linked.add(inode)
        return True

    def _copy_bytes(self, tree: Tree, entry: Entry, target: int) -> None:
        origin = _open_source(tree, entry)
        try:
            before = os.fstat(origin)
            _check_same(entry, before, immutable=isinstance(tree, StackTree))
            if before.st_size:
                self._copy_data(origin, target, before)
            if not isinstance(tree, StackTree):
                after = os.fstat(origin)
                if (after.st_size, after.st_mtime_ns, after.st_ctime_ns) != (
                    before.st_size,
                    before.st_mtime_ns,
                    before.st_ctime_ns,
                ):
                    raise _changed(entry)
        finally:
            os.close(origin)

    def _copy_data(self, origin: int, target: int, facts: os.stat_result) -> None:
        size = facts.st_size
        if facts.st_blocks * 512 < size:
            _copy_sparse(origin, target, size)
            return
        done = 0
        while self._kernel_copies and done < size:
            try:
                copied = os.copy_file_range(origin, target, size - done, done, done)
            except OSError as error:
                if done or error.errno not in _NO_KERNEL_COPY:
                    raise
                self._kernel_copies = False
                break
            if not copied:
                break
            done += copied
        if done < size:
            _copy_range(origin, target, done, size)


def _open_source(tree: Tree, entry: Entry) -> int:
    try:
        return os.open(tree.host_path(entry.origin), _OPEN_SOURCE)
    except OSError as error:
        if error.errno in {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}:
            raise _changed(entry) from error
        reason = (error.strerror or str(error)).lower()
        raise ContextError(f"cannot read `{entry.origin}`: {reason}") from error


def _check_same(entry: Entry, found: os.stat_result, *, immutable: bool) -> None:
    facts: FileStat = entry.facts
    same = stat.S_ISREG(found.st_mode) and found.st_size == facts.size
    if same and not immutable:
        same = found.st_mtime_ns == facts.mtime_ns
        same = same and (found.st_dev, found.st_ino) == facts.identity
    if not same:
        raise _changed(entry)


def _changed(entry: Entry) -> ContextError:
    return ContextError(
        f"`{entry.origin}` changed while it was copied",
        hint="build again when no other program writes to the build context",
    )


def _inode(path: str) -> tuple[int, int]:
    facts = os.lstat(path)
    return (facts.st_dev, facts.st_ino)


def _copy_sparse(origin: int, target: int, size: int) -> None:
    """Copy the data of a file with holes, and leave the holes."""
    position = 0
    while position < size:
        try:
            start = os.lseek(origin, position, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:  # only a hole is left
                break
            raise
        position = os.lseek(origin, start, os.SEEK_HOLE)
        _copy_range(origin, target, start, position)
    os.ftruncate(target, size)


def _copy_range(origin: int, target: int, start: int, end: int) -> None:
    while start < end:
        data = os.pread(origin, min(_CHUNK_BYTES, end - start), start)
        if not data:
            break  # it became shorter, which is told by its facts
        _write_all(target, data, start)
        start += len(data)


def _write_all(target: int, data: bytes, position: int = 0) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(target, view, position)
        view = view[written:]
        position += written


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

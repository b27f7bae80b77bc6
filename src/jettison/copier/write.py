"""Writes a planned layer as an overlay directory.

In:  the selection, the destination planned for it, an empty directory ``upper``.
Out: the directories, files and whiteouts of the layer, with owners, modes, attributes and times.

Copied files keep their mtime. Files of committed layers are hard links where nothing about them
changes; the rest is copied by the kernel.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from jettison.copier.bulk import BulkCopier, Job
from jettison.copier.destination import Destination
from jettison.copier.entry import SourceEntry
from jettison.copier.layer_writer import LayerWriter
from jettison.copier.layout import Placed
from jettison.copier.reuse import NO_LINK, PreviousLayer, link_files, made_from
from jettison.copier.select import Selected, Selection
from jettison.copier.unpack import write_members
from jettison.fs.bytes import write_all
from jettison.fs.digest import with_text_paths
from jettison.fs.os_errors import storage_errors
from jettison.fs.owners import effective_stat
from jettison.fs.tree import Tree
from jettison.plan.op import CopyOp
from jettison.snapshot.stack import StackTree


def write(
    op: CopyOp,
    selection: Selection,
    destination: Destination,
    upper: Path,
    *,
    created_ns: int,
    link: bool = False,
    previous: PreviousLayer | None = None,
) -> dict[str, bytes]:
    """Write the layer of a COPY or ADD; return digests of what is in it, see ``PreviousLayer``.

    Args:
        op: The op.
        selection: What it copies.
        destination: What ``examine`` planned for the selection.
        upper: An empty directory.
        created_ns: Time of inline files and of directories that are made, nanoseconds since the
            epoch.
        link: Whether files of committed layers may be hard links: only if ``upper`` will be a
            committed layer too, which is never written again.
        previous: A layer that may have the same files at the same places; they are linked. As
            ``link``.

    Raises:
        ContextError: a file changed or vanished since it was selected.
        StorageError: the store cannot be written.
        HostError: this process may not give files away.
    """
    with storage_errors(upper), LayerWriter(upper, created_ns) as writer:
        writer.make_directories(destination)
        copier = _Copier(selection, destination, writer, link=link, previous=previous)
        copier.copy_all()
        for index in sorted(destination.archives):
            write_members(index, selection.sources[index], destination, writer)
        writer.finish(destination)
        return with_text_paths(copier.digests)


class _Copier:
    """Copies the files of a selection; ``link`` allows hard links to committed layers."""

    def __init__(
        self,
        selection: Selection,
        destination: Destination,
        writer: LayerWriter,
        *,
        link: bool,
        previous: PreviousLayer | None,
    ) -> None:
        self.digests: dict[str, bytes] = {}
        self._sources = selection.sources
        self._destination = destination
        self._owner = None
        if destination.owner is not None:
            self._owner = (destination.owner.uid, destination.owner.gid)
        self._writer = writer
        self._link = link
        self._previous = previous
        self._made_from = made_from(selection, destination)
        self._jobs: list[Job] = []
        self._leaders: dict[tuple[int, int], str] = {}
        self._names: list[tuple[str, str]] = []
        self._linked: set[tuple[int, int]] = set()

    def copy_all(self) -> None:
        """Make all files but those of archives."""
        archives, rest = self._destination.archives, self._link_directories()
        for path, placed in rest:
            if placed.source not in archives:
                self._copy(path, placed)
        self._finish()
        for path, placed in rest:
            if stat.S_ISREG(placed.mode) and path[1:] not in self.digests:
                self._made_from.pop(path.rpartition("/")[0], None)
        self.digests.update((f"{path[1:]}/", value) for path, value in self._made_from.items())

    def _link_directories(self) -> list[tuple[str, Placed]]:
        """Link files of directories that are as they were; return all other files."""
        previous, files = self._previous, self._destination.files
        if previous is None:
            return list(files.items())
        same: dict[str, list[str]] = {
            path: []
            for path, value in self._made_from.items()
            if previous.digests.get(path[1:] + "/") == value
        }
        rest = []
        for path, placed in files.items():
            paths = same.get(path.rpartition("/")[0])
            if paths is not None and stat.S_ISREG(placed.mode):
                paths.append(path)
            else:
                rest.append((path, placed))
        for directory, paths in same.items():
            into = self._writer.directory(directory)
            refused = link_files(previous, directory, paths, into, self.digests)
            rest += [(path, files[path]) for path in refused]
        return rest

    def _copy(self, path: str, placed: Placed) -> None:
        """Make one file of the layer, or plan that ``_finish`` makes it."""
        source = self._sources[placed.source]
        parent, _, name = path.rpartition("/")
        if source.tree is None:
            self._inline(self._writer.directory(parent), name, source)
            return
        entry = source.entries[placed.entry]
        st = entry.stat
        owner = self._owner or (st.uid, st.gid)
        if not st.is_file:
            self._special(self._writer.directory(parent), name, entry, owner)
            return
        if st.nlink > 1:
            first = entry.leader if entry.leader >= 0 else placed.entry
            leader = self._leaders.setdefault((placed.source, first), path)
            if leader != path:
                self._names.append((leader, path))
                return
        if self._previous is not None and self._link_previous(source.tree, entry, owner, path):
            return
        if not (self._link and self._link_to_layer(source.tree, entry, owner, path)):
            self._jobs.append(Job(path, source.tree, entry, owner))

    def _finish(self) -> None:
        """Copy what is to be copied, and make further names of it."""
        writer = self._writer
        bulk = BulkCopier(writer.root, writer.default_owner)
        bulk.copy(self._jobs)
        for job in bulk.exact:
            if not job.entry.xattrs:
                self.digests[job.path[1:]] = job.tree.file_digest(job.entry.origin)
        for leader, path in self._names:
            parent, _, name = path.rpartition("/")
            writer.link(leader, writer.directory(parent), name)

    def _inline(self, directory: int, name: str, source: Selected) -> None:
        writer = self._writer
        target = writer.create(directory, name)
        try:
            write_all(target, source.content)
            writer.set_metadata(target, source.mode, self._owner or (0, 0), writer.created_ns, {})
        finally:
            os.close(target)

    def _special(
        self, directory: int, name: str, entry: SourceEntry, owner: tuple[int, int]
    ) -> None:
        """Make a link, FIFO or device, or the empty file that stands for a socket."""
        writer, mode = self._writer, entry.mode
        if stat.S_ISLNK(mode):
            os.symlink(entry.target, name, dir_fd=directory)
        elif stat.S_ISREG(mode):
            os.close(writer.create(directory, name))
        else:
            writer.make_node(directory, name, mode, entry.stat.rdev)
        writer.set_special_metadata(directory, name, mode, owner, entry.stat.mtime_ns)

    def _link_to_layer(
        self, tree: Tree, entry: SourceEntry, owner: tuple[int, int], path: str
    ) -> bool:
        """Link a file of a committed layer, if nothing about it changes."""
        st = entry.stat
        if not isinstance(tree, StackTree) or entry.mode != st.mode or owner != (st.uid, st.gid):
            return False
        origin = tree.host_path(entry.origin)
        if not self._link_file(origin, path, os.lstat(origin)):
            return False
        if not entry.xattrs:
            self.digests[path[1:]] = tree.file_digest(entry.origin)
        return True

    def _link_previous(
        self, tree: Tree, entry: SourceEntry, owner: tuple[int, int], path: str
    ) -> bool:
        """Link a file of the layer that an earlier build made here, if it is the same."""
        previous, st = self._previous, entry.stat
        if previous is None or st.nlink != 1 or entry.xattrs:
            return False
        digest = tree.file_digest(entry.origin)
        if previous.digests.get(path[1:]) != digest:
            return False
        origin = previous.root + path
        found = effective_stat(os.lstat(origin), origin)
        wanted = (entry.mode, *owner, st.mtime_ns, st.size)
        is_same = wanted == (
            found.st_mode,
            found.st_uid,
            found.st_gid,
            found.st_mtime_ns,
            found.st_size,
        )
        if not is_same or not self._link_file(origin, path, found):
            return False
        self.digests[path[1:]] = digest
        return True

    def _link_file(self, origin: str, path: str, st: os.stat_result) -> bool:
        inode = (st.st_dev, st.st_ino)
        # Two copies of one file are two files, unless the source says that they are one.
        if inode in self._linked:
            return False
        parent, _, name = path.rpartition("/")
        directory = self._writer.directory(parent)
        try:
            os.link(origin, name, dst_dir_fd=directory, follow_symlinks=False)
        except OSError as error:
            if error.errno not in NO_LINK:
                raise
            if error.errno != errno.EMLINK:
                self._link, self._previous = False, None
            return False
        self._linked.add(inode)
        return True

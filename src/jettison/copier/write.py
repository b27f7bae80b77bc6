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

from jettison.copier.bytes import ByteCopier, write_all
from jettison.copier.destination import Destination
from jettison.copier.layer_writer import LayerWriter
from jettison.copier.layout import Placed
from jettison.copier.open import check_unchanged, is_immutable, open_source
from jettison.copier.select import Entry, Selected, Selection
from jettison.copier.unpack import write_members
from jettison.fs.failure import storage_errors
from jettison.fs.tree import Tree
from jettison.plan.op import CopyOp

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
            if placed.source not in destination.archives:
                copier.copy(path, placed)
        for index in sorted(destination.archives):
            write_members(index, selection.sources[index], destination, writer)
        writer.finish(destination)


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
        self._bytes = ByteCopier()
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
            writer.make_node(directory, name, mode, facts.rdev)
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
            write_all(target, source.content)
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
                writer.link(leader, directory, name)
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
        if not is_immutable(tree) or entry.mode != facts.mode or owner != (facts.uid, facts.gid):
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
        origin, facts = open_source(tree, entry)
        try:
            if facts.st_size:
                self._bytes.copy(origin, target, facts)
            if not is_immutable(tree):
                check_unchanged(entry, origin, facts)
        finally:
            os.close(origin)


def _inode(path: str) -> tuple[int, int]:
    facts = os.lstat(path)
    return (facts.st_dev, facts.st_ino)

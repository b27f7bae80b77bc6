"""Writes a planned layer as an overlay directory.

In:  the destination that was planned, an empty directory ``upper``.
Out: the directories, files and whiteouts of the layer, with owners, modes, attributes and times.

Copied files keep their mtime. Files of committed layers are hard links where nothing about them
changes; the rest is copied by the kernel. Each step below takes what the one before it gives.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from jettison.copier.bulk import BulkCopier
from jettison.copier.destination import Destination
from jettison.copier.entries import FileCopy, Owned, layer_entries
from jettison.copier.layer_writer import LayerWriter
from jettison.copier.links import link_copies
from jettison.copier.planned import InlineFile
from jettison.copier.reuse import PreviousLayer, complete, link_directories, made_from
from jettison.copier.unpack import write_members
from jettison.fs.bytes import write_all
from jettison.fs.digest import with_text_paths
from jettison.fs.os_errors import storage_errors
from jettison.fs.ownership import Ownership


def write(
    destination: Destination,
    upper: Path,
    ownership: Ownership,
    *,
    created_ns: int,
    link: bool = False,
    previous: PreviousLayer | None = None,
) -> dict[str, bytes]:
    """Write the layer of a COPY or ADD; return digests of what is in it, see ``PreviousLayer``.

    Args:
        destination: What ``examine`` planned.
        upper: An empty directory.
        ownership: How owners are kept in it.
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
    with storage_errors(upper), LayerWriter(upper, ownership, created_ns) as writer:
        writer.make_directories(destination)
        origins = made_from(destination)
        digests, files = link_directories(destination.files, origins, previous, writer)
        entries = layer_entries(files, destination.owner)
        for path, inline, owner in entries.inline:
            _make_inline(path, inline, owner, writer)
        for special in entries.special:
            _make_special(special, writer)
        linked, copies = link_copies(entries.copies, writer, previous, to_layers=link)
        digests |= linked
        for copy in BulkCopier(writer).copy(copies):
            if not copy.entry.xattrs:
                digests[copy.path[1:]] = copy.tree.file_digest(copy.entry.origin)
        for first, path in entries.names:
            parent, _, name = path.rpartition("/")
            writer.link(first, writer.directory(parent), name)
        for index, archive in sorted(destination.archives.items()):
            write_members(archive, entries.members.get(index, {}), destination, writer)
        writer.finish(destination)
        digests.update(complete(origins, files, digests))
        return with_text_paths(digests)


def _make_inline(path: str, file: InlineFile, owner: Owned, writer: LayerWriter) -> None:
    parent, _, name = path.rpartition("/")
    target = writer.create(writer.directory(parent), name)
    try:
        write_all(target, file.content)
        writer.set_metadata(target, file.mode, owner, writer.created_ns, {})
    finally:
        os.close(target)


def _make_special(copy: FileCopy, writer: LayerWriter) -> None:
    """Make a link, FIFO or device, or the empty file that stands for a socket."""
    parent, _, name = copy.path.rpartition("/")
    directory, entry, mode = writer.directory(parent), copy.entry, copy.entry.mode
    if stat.S_ISLNK(mode):
        os.symlink(entry.target, name, dir_fd=directory)
    elif stat.S_ISREG(mode):
        os.close(writer.create(directory, name))
    else:
        writer.make_node(directory, name, mode, entry.stat.rdev)
    writer.set_special_metadata(directory, name, mode, copy.owner, entry.stat.mtime_ns)

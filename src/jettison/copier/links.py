"""Files that need no copy: hard links to committed layers, where nothing about a file changes.

In:  the copies that are to be made; the previous layer of the same instruction.
Out: digests of what was linked, the copies that are left.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence

from jettison.copier.entries import FileCopy
from jettison.copier.layer_writer import LayerWriter
from jettison.copier.reuse import NO_LINK, PreviousLayer
from jettison.snapshot.outlined import OutlinedTree
from jettison.snapshot.stack import StackTree


def link_copies(
    copies: Sequence[FileCopy],
    writer: LayerWriter,
    previous: PreviousLayer | None,
    *,
    to_layers: bool,
) -> tuple[dict[str, bytes], Sequence[FileCopy]]:
    """Link what can be linked; return digests of it by path, and the copies that are left.

    Args:
        copies: Regular files.
        writer: Of the layer.
        previous: The previous layer of the instruction; its files are linked.
        to_layers: Whether files of committed layers are linked.

    Raises:
        OSError: a file cannot be read, or the layer cannot be written.
    """
    if previous is None and not to_layers:
        return {}, copies
    linker = _Linker(writer, previous, to_layers=to_layers)
    left = [copy for copy in copies if not linker.link(copy)]
    return linker.digests, left


class _Linker:
    def __init__(
        self, writer: LayerWriter, previous: PreviousLayer | None, *, to_layers: bool
    ) -> None:
        self.digests: dict[str, bytes] = {}
        self._writer = writer
        self._previous = previous
        self._to_layers = to_layers
        self._linked: set[tuple[int, int]] = set()

    def link(self, copy: FileCopy) -> bool:
        """Make the file, if it can be a link."""
        if self._previous is not None and self._link_previous(copy, self._previous):
            return True
        return self._to_layers and self._link_to_layer(copy)

    def _link_to_layer(self, copy: FileCopy) -> bool:
        """Link a file of a committed layer, if nothing about it changes."""
        tree, entry = copy.tree, copy.entry
        st = entry.stat
        same = entry.mode == st.mode and copy.owner == (st.uid, st.gid)
        if not same or not isinstance(tree, StackTree | OutlinedTree):
            return False
        origin = tree.host_path(entry.origin)
        if not self._link(origin, copy.path, os.lstat(origin)):
            return False
        if not entry.xattrs:
            self.digests[copy.path[1:]] = tree.file_digest(entry.origin)
        return True

    def _link_previous(self, copy: FileCopy, previous: PreviousLayer) -> bool:
        """Link a file of the layer that the last build made here, if it is the same."""
        path, entry = copy.path, copy.entry
        st = entry.stat
        if st.nlink != 1 or entry.xattrs:
            return False
        digest = copy.tree.file_digest(entry.origin)
        if previous.digests.get(path[1:]) != digest:
            return False
        origin = previous.root + path
        found = self._writer.ownership.effective_stat(os.lstat(origin), origin)
        wanted = (entry.mode, *copy.owner, st.mtime_ns, st.size)
        is_same = wanted == (
            found.st_mode,
            found.st_uid,
            found.st_gid,
            found.st_mtime_ns,
            found.st_size,
        )
        if not is_same or not self._link(origin, path, found):
            return False
        self.digests[path[1:]] = digest
        return True

    def _link(self, origin: str, path: str, st: os.stat_result) -> bool:
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
                self._to_layers, self._previous = False, None
            return False
        self._linked.add(inode)
        return True

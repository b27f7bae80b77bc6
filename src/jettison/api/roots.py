"""Root file systems of an image and of the stages that it was built from, for readers of facts.

In:  a session, an image.
Out: ``Roots``: a ``Rootfs`` for each, made when it is asked for.
"""

from __future__ import annotations

from functools import cached_property

from jettison.analysis.files import Files
from jettison.analysis.rootfs import Rootfs
from jettison.api.provenance import open_provenance
from jettison.api.session import Session
from jettison.fs.tree import FileStat
from jettison.fs.visible import Visible
from jettison.provenance.chain import Provenance
from jettison.store.image import StoredImage
from jettison.store.layer import Stack


class Roots:
    """The root file systems of one build.

    Args:
        session: The store.
        image: What was built, or came from elsewhere.
        read: Whether layers that are not here as files are made so.
    """

    def __init__(self, session: Session, image: StoredImage, *, read: bool) -> None:
        self._session = session
        self._image = image
        self.read = read
        self._stages: dict[int, Rootfs | None] = {}

    @cached_property
    def provenance(self) -> Provenance:
        """Where the image's paths came from.

        Raises:
            NamespaceRequired: files must be read, and the process may not do that as it is.
        """
        return open_provenance(self._session, self._image, read=self.read)

    def stack(self, stage: int) -> Stack:
        """Return the layers of a stage; of the final one those that the image has."""
        record = self.provenance.record
        if stage == record.target:
            return tuple(each.layer for each in self._image.layers)
        return tuple(each.layer for each in record.stack(stage))

    def stage(self, index: int) -> Rootfs | None:
        """Return the root file system of a stage at its end, None if it is not here.

        Raises:
            NamespaceRequired: files must be read, and the process may not do that as it is.
            ContentError, SourceError, StorageError: a layer cannot be had.
        """
        if index not in self._stages:
            self._stages[index] = self._open(index)
        return self._stages[index]

    def image(self) -> Rootfs | None:
        """Return the root file system of the image, None if it is not here; raises as ``stage``."""
        return self.stage(self.provenance.record.target)

    def _open(self, index: int) -> Rootfs | None:
        if not self.provenance.record.stages[index].needed:
            return None
        session, stack = self._session, self.stack(index)
        if not self.read and any(session.layer_store.info(layer) is None for layer in stack):
            return None
        session.require_namespace()
        shown = self.provenance.files(index).visible
        return Rootfs(Files(session.blobs.tree(stack), entries_of(shown)))


def entries_of(shown: Visible) -> dict[str, FileStat]:
    """Return what is seen of layers as stat results; a directory comes before what is in it.

    ``device`` is the number of the layer, ``inode`` that of the entry in its listing.
    """
    entries: dict[str, FileStat] = {}
    layers = shown.layers
    for path, seen in shown.entries.items():
        listing = layers[seen.layer]
        inode = shown.inode(seen)
        entries[path] = FileStat(
            listing.modes[seen.entry],
            listing.sizes[seen.entry],
            nlink=2 if listing.links else 1,
            device=inode.layer,
            inode=inode.entry,
            uid=listing.uids[seen.entry],
            gid=listing.gids[seen.entry],
        )
    return entries

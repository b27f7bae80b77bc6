"""Root file systems of an image and of the stages that it was built from, for readers of facts.

In:  a session, an image.
Out: ``Roots``: a ``Rootfs`` for each, made when it is asked for.
"""

from __future__ import annotations

import os
from functools import cached_property, partial
from pathlib import Path

from jettison.analysis.files import Files, open_below
from jettison.analysis.programs import (
    LayerPrograms,
    Programs,
    decode_programs,
    encode_programs,
    scan_layer,
)
from jettison.analysis.rootfs import Rootfs
from jettison.api.provenance import open_provenance
from jettison.api.session import Session
from jettison.fs.listed_tree import ListedTree
from jettison.fs.listing import Listing
from jettison.fs.tree import FileStat
from jettison.fs.visible import Visible
from jettison.fs.watched import Watch
from jettison.oci.digest import sha256_digest
from jettison.provenance.chain import Provenance
from jettison.store.image import StoredImage
from jettison.store.layer import LayerId, Stack

_VERSION = b"programs-1\0"


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
        """Return the root file system of a stage at its end, None if not all of it is here.

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
        known = self.provenance.files(index)
        if not known.is_complete:
            return None  # rules would miss what is only not known
        shown = known.visible
        session.blobs.materialise(stack)
        # A mount leaves out layers that come twice or are hidden; here each has its number.
        directories = [session.layer_store.directory(layer) for layer in stack]
        tree = ListedTree(shown, directories)
        files = Files(tree, tree.entries, looks=_Looks(shown, self.provenance.watch))

        def programs(number: int) -> LayerPrograms:
            return programs_of_layer(
                session, stack[number], shown.layers[number], directories[number]
            )

        return Rootfs(files, Programs(files, programs))


class _Looks:
    """Tells listings whose sizes are looked at.

    Args:
        shown: What is seen of them.
        watch: Of all of them.
    """

    def __init__(self, shown: Visible, watch: Watch) -> None:
        self._shown = shown
        self._watch = watch

    def one(self, st: FileStat) -> None:
        """Note a file."""
        self._shown.layers[st.device].look(st.inode)

    def all(self) -> None:
        """Note all of them: what is made of them may be kept by anybody."""
        self._watch.missed()


def programs_of_layer(
    session: Session, layer: LayerId, listing: Listing, directory: Path
) -> LayerPrograms:
    """Return the programs of a layer, which are kept by its name."""
    question = sha256_digest(_VERSION + layer.encode())
    kept = session.cache.answers.find(question)
    found = decode_programs(kept) if kept is not None else None
    if found is None:
        found = scan_layer(listing, partial(open_below, os.fspath(directory)))
        session.cache.answers.keep(question, encode_programs(found))
    return found

"""Makes what a layer is not here as yet: a diff ID, a blob, files; fetched, or packed once.

In:  layers that are here as files, as blobs, or known to be elsewhere.
Out: diff IDs, descriptors of blobs, blobs in the store; overlay directories.

A layer of an image that came from elsewhere is never packed from its files, since its tar would
be another one: its blob is used as it is, or compressed anew. A layer made here is packed once
per compression.

Concurrency: safe for threads; each layer is packed by one thread while others wait for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from jettison.concurrency import SingleFlight
from jettison.errors import ContentError, StorageError
from jettison.events import Progress, no_progress
from jettison.image.form import ESTARGZ
from jettison.image.layout import SCHEME
from jettison.image.parallel import PACKERS, Stop, run_parallel
from jettison.image.remote import ClientFactory, PlaceFinder, RemoteBlobs, is_place
from jettison.oci.digest import Digest, short
from jettison.oci.manifest import Descriptor
from jettison.oci.mediatype import LAYER_COMPRESSION
from jettison.snapshot.base import ActiveSnapshot, Change, LayerInfo, LayerStore
from jettison.store.layer import LayerId, Stack
from jettison.store.layers import packed_name
from jettison.store.store import Store

if TYPE_CHECKING:
    from jettison.image.browse import LayerBrowser
    from jettison.image.files import LayerUnpacker
    from jettison.image.form import LayerForm
    from jettison.image.packer import LayerPacker
    from jettison.plan.op import ImageOp
    from jettison.snapshot.outlined import OutlinedTree
    from jettison.snapshot.stack import StackTree

_DOWNLOADS = 4


class LayerBlobs:
    """All forms of the layers of one store.

    Args:
        store: Keeps blobs and what is known about layers.
        layer_store: Keeps files.
        client: Makes the registry client; None does without the network.
        places: Finds other places that layers may be in.
    """

    def __init__(
        self,
        store: Store,
        layer_store: LayerStore,
        client: ClientFactory | None = None,
        places: PlaceFinder | None = None,
    ) -> None:
        self._store = store
        self._layer_store = layer_store
        self._remote = RemoteBlobs(client, places)
        self._diff_ids: SingleFlight[LayerId, Digest] = SingleFlight()
        self._descriptors: SingleFlight[tuple[LayerId, str], Descriptor] = SingleFlight()
        self._fetched: SingleFlight[Digest, Descriptor] = SingleFlight()

    def named(self, diff_id: Digest) -> LayerId:
        """Return the name of an image's layer: that of the change made here, if it was."""
        return self._store.layers.named(diff_id)

    def content(self, layer: LayerId) -> str:
        """Return by what a layer enters the keys of steps on it."""
        return self._store.layers.find(layer).content

    def available(self, layer: LayerId) -> bool:
        """Tell whether a layer is here in any form, or is known to be elsewhere."""
        return (
            self._layer_store.info(layer) is not None
            or self._store.layers.find(layer).blob is not None
        )

    def commit(
        self,
        active: ActiveSnapshot,
        change: Change,
        compression: str,
        level: int | None,
        *,
        cancelled: Callable[[], bool],
    ) -> LayerInfo:
        """Commit a change and pack it at the same time; see ``image.commit``.

        Raises:
            StorageError: it cannot be read or renamed.
        """
        from jettison.image.commit import PackingCommitter  # a cached build has no use

        committer = PackingCommitter(self._store, self._layer_store)
        return committer.commit(active, change, compression, level, cancelled=cancelled)

    def materialise(self, layers: Stack, report: Progress = no_progress) -> list[Path]:
        """Return the directories of layers, in order; fetch and unpack what is missing.

        Raises:
            ContentError: a blob is not what its image says.
            SourceError: a blob cannot be had.
            StorageError: no space, or nothing is left of a layer.
        """
        return self._unpacker.materialise(layers, report)

    def tree(self, layers: Stack, report: Progress = no_progress) -> StackTree:
        """Return the files of a root file system; fetch and unpack what is missing.

        Raises:
            ContentError, SourceError, StorageError: as ``materialise``.
        """
        from jettison.snapshot.stack import StackTree  # a cached build has its own

        return StackTree(self.materialise(layers, report), self._layer_store.ownership)

    def browse(
        self,
        layers: Stack,
        clocks: Sequence[int],
        report: Progress = no_progress,
        *,
        wanted: Sequence[str] | None = None,
        base: ImageOp | None = None,
        tables: Mapping[int, Digest] | None = None,
    ) -> OutlinedTree:
        """Return the files of a root file system without unpacking it; see ``image.browse``.

        The tree raises what ``materialise`` does when something of a layer is asked for.
        """
        return self._browser.tree(layers, clocks, report, wanted=wanted, base=base, tables=tables)

    def diff_id(self, layer: LayerId, stop: Stop | None = None) -> Digest:
        """Return the digest of a layer's uncompressed tar; pack without keeping if need be.

        Args:
            layer: Its name.
            stop: Ends packing.

        Raises:
            StorageError: the layer is not here.
        """

        def known() -> Digest | None:
            return self._store.layers.find(layer).diff_id

        return known() or self._diff_ids.get(
            layer, lambda: self._packer.diff_id(layer, stop), known
        )

    def diff_ids(self, layers: Stack) -> list[Digest]:
        """Return the diff IDs of layers, those that must be computed at the same time.

        Raises:
            StorageError: as ``diff_id``.
        """
        found = {layer: self._store.layers.find(layer).diff_id for layer in dict.fromkeys(layers)}
        missing = [layer for layer, diff_id in found.items() if diff_id is None]
        jobs = [lambda _, layer=layer: self.diff_id(layer) for layer in missing]
        made = dict(zip(missing, run_parallel(jobs, limit=PACKERS), strict=True))
        return [found[layer] or made[layer] for layer in layers]

    def describe(
        self,
        layer: LayerId,
        compression: str = "gzip",
        *,
        level: int | None = None,
        force: bool = False,
        stop: Stop | None = None,
    ) -> Descriptor:
        """Return the descriptor of a layer's blob, which may still be elsewhere.

        Args:
            layer: Its name.
            compression: ``none``, ``gzip`` or ``zstd``: of layers made here, and with ``force``
                of all.
            level: Of the compressor; None is its default.
            force: Compress blobs of other images anew when theirs is another.
            stop: Ends packing.

        Raises:
            StorageError: the layer is not here.
        """
        known, name = self._store.layers.find(layer), packed_name(compression, level)
        if known.is_given:
            given = known.blobs.get(compression) if force else None
            if given is None and known.blob is not None:
                given = known.blob.descriptor
            if given is not None and not (
                force and LAYER_COMPRESSION[given.media_type] != compression
            ):
                return given
        if name in known.blobs:
            return known.blobs[name]
        if compression == ESTARGZ:  # one of a base image that is to stay as it is
            return self.describe(layer, stop=stop)
        if known.remote is not None and self._layer_store.info(layer) is None and level is None:
            elsewhere = known.remote.descriptor  # of a build cache: packed as we would
            if LAYER_COMPRESSION.get(elsewhere.media_type) == compression:
                return elsewhere
        return self._descriptors.get(
            (layer, name),
            lambda: self._packer.blob(layer, compression, level, name, stop),
            lambda: self._store.layers.find(layer).blobs.get(name),
        )

    def rewritten(
        self, layer: LayerId, form: LayerForm, compression: str, level: int | None
    ) -> LayerId:
        """Return a layer that holds the same in another form, as a blob.

        Args:
            layer: Made here; for eStargz any.
            form: With a time, or eStargz.
            compression: Of the blob if it is none of eStargz, as for ``describe``.
            level: Of the compressor; None is its default.

        Raises:
            StorageError: the layer is not here.
        """
        return self._packer.rewritten(layer, form, compression, level)

    def squashed(self, layers: Stack, below: Stack) -> LayerId:
        """Return the layer that others are together.

        Args:
            layers: Base first, at least one.
            below: What they are on.

        Raises:
            ContentError, SourceError, StorageError: as ``materialise``.
        """
        from jettison.image.squash import squash_layers  # seldom asked for

        return squash_layers(layers, below, self._layer_store, self.materialise)

    def fetch(
        self,
        layer: LayerId,
        descriptor: Descriptor,
        report: Progress = no_progress,
        *,
        source: str = "",
    ) -> Descriptor:
        """Fetch the blob that a descriptor names into the store, its tar verified.

        Args:
            layer: Whose blob it is.
            descriptor: From ``describe``, or of the manifest of an image.
            report: Called with bytes, under the digest.
            source: Where that image came from, if not from where the layer is known to be.

        Raises:
            SourceError, ContentError, StorageError: it cannot be had.
        """

        def here() -> Descriptor | None:
            return descriptor if self._store.blobs.has(descriptor.digest) else None

        if here() is not None:
            return descriptor
        remote = self._store.layers.find(layer).remote
        known = remote is not None and remote.descriptor.digest == descriptor.digest
        place = remote.source if known and remote is not None else source
        if not place:
            raise StorageError(
                f"blob `{short(descriptor.digest)}` of a layer is not in the store any more",
                hint="pull, load or build its image again",
            )

        from jettison.image.files import on_cached_layer, verify_blob  # a cached build has no use

        def get() -> Descriptor:
            diff_id = self.diff_id(layer)
            with on_cached_layer(self._store, layer):
                self._remote.fetch(self._store, descriptor, place, report=report)
                try:
                    verify_blob(self._store, descriptor, diff_id)
                except ContentError:
                    self._store.blobs.remove(descriptor.digest)
                    if known:
                        self._store.layers.drop_remote(layer)
                    raise
            self._store.layers.add_blob(layer, diff_id, descriptor)
            return descriptor

        return self._fetched.get(descriptor.digest, get, here)

    def blob(
        self,
        layer: LayerId,
        compression: str = "gzip",
        *,
        level: int | None = None,
        force: bool = False,
        report: Progress = no_progress,
    ) -> Descriptor:
        """Return the descriptor of a layer's blob, which is in the store; see ``describe``."""
        descriptor = self.describe(layer, compression, level=level, force=force)
        return self.fetch(layer, descriptor, report)

    def settle(self, layers: Stack, report: Progress = no_progress) -> None:
        """Copy what layers have only in a layout directory, which may vanish, into the store.

        Raises:
            SourceError, ContentError, StorageError: it cannot be copied.
        """
        jobs = []
        for layer in dict.fromkeys(layers):
            remote = self._store.layers.find(layer).remote
            if remote is not None and remote.source.startswith(SCHEME):
                blob = remote.descriptor
                jobs.append(lambda _, one=layer, blob=blob: self.fetch(one, blob, report))
        run_parallel(jobs, limit=_DOWNLOADS)

    def source(self, layer: LayerId) -> str:
        """Return the reference of the image whose registry has a layer's blob, or nothing."""
        remote = self._store.layers.find(layer).remote
        if remote is None or remote.source.startswith(SCHEME) or is_place(remote.source):
            return ""
        return remote.source

    @cached_property
    def _unpacker(self) -> LayerUnpacker:
        from jettison.image.files import LayerUnpacker  # a cached build has no use

        return LayerUnpacker(self._store, self._layer_store, self._remote)

    @cached_property
    def _browser(self) -> LayerBrowser:
        from jettison.image.browse import LayerBrowser  # as above

        return LayerBrowser(self._store, self._layer_store, self._unpacker, self._remote)

    @cached_property
    def _packer(self) -> LayerPacker:
        from jettison.image.packer import LayerPacker  # a cached build has no use

        return LayerPacker(self._store, self._layer_store, self.fetch)

"""Layers as blobs: packed when an export needs them, once, or taken as they came.

In:  layers that are here as files, as blobs, or known to be elsewhere.
Out: diff IDs, descriptors of blobs, blobs in the store; overlay directories.

A layer of an image that came from elsewhere is never packed from its files, since its tar would
be another one: its blob is used as it is, or compressed anew. A layer made here is packed once
per compression.

Concurrency: safe for threads; each layer is packed by one thread while others wait for it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from jettison.concurrency import Limiter, Once
from jettison.errors import ContentError, DigestMismatchError, StorageError
from jettison.events import Progress, unwatched
from jettison.image.files import Blob, LayerUnpacker, keep_blob, verify_blob
from jettison.image.layout import SCHEME
from jettison.image.origin import ClientFactory, Origin
from jettison.image.parallel import run_parallel
from jettison.layer.codec import pack_layer
from jettison.layer.compress import compressor
from jettison.layer.decompress import open_decompressed
from jettison.layer.pack import pack
from jettison.layer.threads import HashThread
from jettison.oci.digest import Digest, short
from jettison.oci.manifest import Descriptor
from jettison.oci.mediatype import LAYER_COMPRESSION, OCI_LAYERS
from jettison.snapshot.base import Snapshotter
from jettison.store.layer import LayerId, PackedLayer, Stack
from jettison.store.store import Store

_PACKERS = 2
_DOWNLOADS = 4
_CHUNK_BYTES = 1 << 20


class LayerBlobs:
    """All forms of the layers of one store.

    Args:
        store: Keeps blobs and what is known about layers.
        snapshotter: Keeps files.
        client: Makes the registry client; None does without the network.
    """

    def __init__(
        self, store: Store, snapshotter: Snapshotter, client: ClientFactory | None = None
    ) -> None:
        self._store = store
        self._snapshotter = snapshotter
        self._origin = Origin(client)
        self._files = LayerUnpacker(store, snapshotter, self._origin)
        self._diff_ids: Once[LayerId, Digest] = Once()
        self._descriptors: Once[tuple[LayerId, str], Descriptor] = Once()
        self._fetched: Once[Digest, None] = Once()
        self._packers = Limiter(_PACKERS)

    def named(self, diff_id: Digest) -> LayerId:
        """Return the name of an image's layer: that of the change made here, if it was."""
        return self._store.layers.named(diff_id)

    def available(self, layer: LayerId) -> bool:
        """Tell whether a layer is here in any form, or is known to be elsewhere."""
        return self._snapshotter.info(layer) is not None or self._files.blob(layer) is not None

    def materialise(self, layers: Stack, report: Progress = unwatched) -> list[Path]:
        """Return the directories of layers, in order; fetch and unpack what is missing.

        Raises:
            ContentError: a blob is not what its image says.
            SourceError: a blob cannot be had.
            StorageError: no space, or nothing is left of a layer.
        """
        return self._files.materialise(layers, report)

    def diff_id(self, layer: LayerId) -> Digest:
        """Return the digest of a layer's uncompressed tar; pack without keeping if need be.

        Raises:
            StorageError: the layer is not here.
        """
        known = self._store.layers.diff_id(layer)
        return known or self._diff_ids.get(layer, partial(self._find_diff_id, layer))

    def diff_ids(self, layers: Stack) -> list[Digest]:
        """Return the diff IDs of layers, those that must be computed at the same time.

        Raises:
            StorageError: as ``diff_id``.
        """
        jobs = [lambda _, layer=layer: self.diff_id(layer) for layer in dict.fromkeys(layers)]
        found = dict(zip(dict.fromkeys(layers), run_parallel(jobs, limit=_PACKERS), strict=True))
        return [found[layer] for layer in layers]

    def describe(
        self,
        layer: LayerId,
        compression: str = "gzip",
        *,
        level: int | None = None,
        force: bool = False,
    ) -> Descriptor:
        """Return the descriptor of a layer's blob, which may still be elsewhere.

        Args:
            layer: Its name.
            compression: ``none``, ``gzip`` or ``zstd``: of layers made here, and with ``force``
                of all.
            level: Of the compressor; None is its default.
            force: Compress blobs of other images anew when theirs is another.

        Raises:
            StorageError: the layer is not here.
        """
        if _is_foreign(layer):
            found = self._store.layers.packed(layer, compression) if force else None
            blob = Blob(found.descriptor) if found else self._files.blob(layer)
            if blob is not None and not (
                force and LAYER_COMPRESSION[blob.descriptor.media_type] != compression
            ):
                return blob.descriptor
        # Until a level is named, the default of the version at hand made it.
        name = compression if level is None or compression == "none" else f"{compression}:{level}"
        packed = self._store.layers.packed(layer, name)
        if packed is not None:
            return packed.descriptor
        job = partial(self._make, layer, compression, level, name)
        return self._descriptors.get((layer, name), job)

    def fetch(
        self,
        layer: LayerId,
        descriptor: Descriptor,
        report: Progress = unwatched,
        *,
        source: str = "",
    ) -> Descriptor:
        """Bring the blob that a descriptor names into the store, its tar verified.

        Args:
            layer: Whose blob it is.
            descriptor: From ``describe``, or of the manifest of an image.
            report: Told bytes, under the digest.
            source: Where that image came from, if not from where the layer is known to be.

        Raises:
            SourceError, ContentError, StorageError: it cannot be had.
        """
        if self._store.blobs.has(descriptor.digest):
            return descriptor
        remote = self._store.layers.remote(layer)
        known = remote is not None and remote[0].digest == descriptor.digest
        place = remote[1] if known and remote is not None else source
        if not place:
            raise StorageError(
                f"blob `{short(descriptor.digest)}` of a layer is not in the store any more",
                hint="pull, load or build its image again",
            )

        def get() -> None:
            diff_id = self.diff_id(layer)
            try:
                self._origin.fetch(self._store, descriptor, place, report=report)
                verify_blob(self._store, descriptor, diff_id)
            except ContentError:
                self._store.blobs.remove(descriptor.digest)
                if known:
                    self._store.layers.drop_remote(layer)
                raise
            keep_blob(self._store, layer, diff_id, descriptor)

        self._fetched.get(descriptor.digest, get)
        return descriptor

    def blob(
        self,
        layer: LayerId,
        compression: str = "gzip",
        *,
        level: int | None = None,
        force: bool = False,
        report: Progress = unwatched,
    ) -> Descriptor:
        """Return the descriptor of a layer's blob, which is in the store; see ``describe``."""
        descriptor = self.describe(layer, compression, level=level, force=force)
        return self.fetch(layer, descriptor, report)

    def settle(self, layers: Stack, report: Progress = unwatched) -> None:
        """Copy what layers have only in a layout directory, which may vanish, into the store.

        Raises:
            SourceError, ContentError, StorageError: it cannot be copied.
        """
        jobs = []
        for layer in dict.fromkeys(layers):
            remote = self._store.layers.remote(layer)
            if remote is not None and remote[1].startswith(SCHEME):
                jobs.append(lambda _, one=layer, blob=remote[0]: self.fetch(one, blob, report))
        run_parallel(jobs, limit=_DOWNLOADS)

    def source(self, layer: LayerId) -> str:
        """Return the reference of the image whose registry has a layer's blob, or nothing."""
        remote = self._store.layers.remote(layer)
        return "" if remote is None or remote[1].startswith(SCHEME) else remote[1]

    def _find_diff_id(self, layer: LayerId) -> Digest:
        with self._packers, HashThread() as hashing:
            pack(self._directory(layer), hashing.update)
            diff_id = hashing.digest()
        self._store.layers.set_diff_id(layer, diff_id)
        return diff_id

    def _make(self, layer: LayerId, compression: str, level: int | None, name: str) -> Descriptor:
        with self._packers, self._store.blobs.writer() as writer:
            if _is_foreign(layer) or self._snapshotter.info(layer) is None:
                diff_id = self._transcode(layer, writer.write, compression, level)
            else:
                packed = pack_layer(self._directory(layer), writer.write, compression, level)
                diff_id = packed.diff_id
            known = self._store.layers.diff_id(layer)
            if known is not None and known != diff_id:
                raise DigestMismatchError(
                    f"layer `{layer}` now packs to `{diff_id}`, not to `{known}` as before",
                    hint="its files were changed behind Jettison's back; prune and build again",
                )
            size = writer.size_bytes
            digest = writer.commit()
        descriptor = Descriptor(OCI_LAYERS[compression], digest, size)
        self._store.layers.add_packed(PackedLayer(layer, diff_id, descriptor), name)
        return descriptor

    def _transcode(
        self, layer: LayerId, write: Callable[[bytes], object], compression: str, level: int | None
    ) -> Digest:
        """Compress the blob of an image's layer anew; return the digest of the tar inside."""
        blob = self._files.blob(layer)
        if blob is None:
            raise StorageError(
                f"layer `{layer}` is not in the store any more",
                hint="pull, load or build its image again",
            )
        descriptor = self.fetch(layer, blob.descriptor)
        path = self._store.blobs.path(descriptor.digest)
        with (
            path.open("rb") as file,
            open_decompressed(file, LAYER_COMPRESSION[descriptor.media_type]) as tar,
            HashThread() as hashing,
            compressor(write, compression, level) as output,
        ):
            while chunk := tar.read(_CHUNK_BYTES):
                hashing.update(chunk)
                output.write(chunk)
            output.close()
            return hashing.digest()

    def _directory(self, layer: LayerId) -> Path:
        if self._snapshotter.info(layer) is None:
            raise StorageError(
                f"layer `{layer}` is not in the store any more", hint="build its image again"
            )
        return self._snapshotter.directory(layer)


def _is_foreign(layer: LayerId) -> bool:
    """Tell whether a layer came with an image, so that its tar is given."""
    return layer.startswith("diff:")

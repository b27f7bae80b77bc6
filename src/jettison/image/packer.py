"""Packs layers: files become a tar, the tar a blob.

In:  layers that are here as files, or as blobs that are to be compressed anew.
Out: diff IDs, blobs in the store.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from jettison.concurrency import Limiter
from jettison.errors import DigestMismatchError, StorageError
from jettison.image.form import ESTARGZ, LayerForm
from jettison.image.parallel import PACKERS, Stop
from jettison.layer.codec import TarSink, pack_layer
from jettison.layer.decompress import open_decompressed
from jettison.layer.pack import pack
from jettison.oci.digest import Digest
from jettison.oci.manifest import TOC_DIGEST, Descriptor
from jettison.oci.mediatype import LAYER_COMPRESSION, OCI_LAYERS
from jettison.snapshot.base import LayerStore
from jettison.store.layer import LayerId, image_layer_id, is_image_layer
from jettison.store.layers import packed_name
from jettison.store.store import Store

_CHUNK_BYTES = 1 << 20

Fetch = Callable[[LayerId, Descriptor], Descriptor]


class LayerPacker:
    """Makes blobs of layers; thread-safe.

    Args:
        store: Keeps them.
        layer_store: Has the files.
        fetch: Fetches a blob of an image into the store.
    """

    def __init__(self, store: Store, layer_store: LayerStore, fetch: Fetch) -> None:
        self._store = store
        self._layer_store = layer_store
        self._ownership = layer_store.ownership
        self._fetch = fetch
        self._packers = Limiter(PACKERS)

    def diff_id(self, layer: LayerId, stop: Stop | None = None) -> Digest:
        """Return the digest of a layer's tar, which is not kept."""
        with self._packers, TarSink(None) as tar:
            pack(self._directory(layer), self._ownership, _checking(tar.write, stop))
            diff_id = tar.finish()
        self._store.layers.set_diff_id(layer, diff_id)
        return diff_id

    def blob(
        self,
        layer: LayerId,
        compression: str,
        level: int | None,
        name: str,
        stop: Stop | None = None,
    ) -> Descriptor:
        """Make the blob of a layer and note it under a name.

        Raises:
            DigestMismatchError: the layer's files are not what they were.
            StorageError: the layer is not here.
        """
        with self._packers, self._store.blobs.writer() as writer:
            write = _checking(writer.write, stop)
            if is_image_layer(layer) or self._layer_store.info(layer) is None:
                diff_id = self._transcode(layer, write, compression, level)
            else:
                diff_id = pack_layer(
                    self._directory(layer), self._ownership, write, compression, level
                )
            known = self._store.layers.find(layer).diff_id
            if known is not None and known != diff_id:
                raise DigestMismatchError(
                    f"layer `{layer}` now packs to `{diff_id}`, not to `{known}` as before",
                    hint="its files were changed behind Jettison's back; prune and build again",
                )
            size = writer.size_bytes
            digest = writer.commit()
        descriptor = Descriptor(OCI_LAYERS[compression], digest, size)
        self._store.layers.add_blob(layer, diff_id, descriptor, name)
        return descriptor

    def rewritten(
        self, layer: LayerId, form: LayerForm, compression: str, level: int | None
    ) -> LayerId:
        """Make the blob of a layer in another form; return its layer.

        A layer that can have no table of contents, or has one, stays as it is.

        Raises:
            StorageError: the layer is not here.
        """
        with self._packers, self._store.blobs.writer() as writer:
            if form.estargz:
                compression, level = ESTARGZ, form.level
                found = self._estargz(layer, form, writer.write)
                if found is None:
                    return layer
                diff_id, annotations = found
            else:
                annotations = {}
                diff_id = pack_layer(
                    self._directory(layer),
                    self._ownership,
                    writer.write,
                    compression,
                    level,
                    clamp_mtime=form.epoch,
                    exact_mtime=form.exact,
                )
            size = writer.size_bytes
            digest = writer.commit()
        made = image_layer_id(diff_id)
        self._store.lease((made,))
        media_type = OCI_LAYERS["gzip" if form.estargz else compression]
        descriptor = Descriptor(media_type, digest, size, annotations)
        self._store.layers.add_blob(made, diff_id, descriptor, packed_name(compression, level))
        original = self._store.layers.find(layer)
        if original.facts is not None:
            content = "" if original.is_given else original.content
            self._store.layers.set_facts(made, original.facts, content)
        return made

    def _estargz(
        self, layer: LayerId, form: LayerForm, write: Callable[[bytes], object]
    ) -> tuple[Digest, dict[str, str]] | None:
        """Write a layer as eStargz; return its diff ID and annotations, None if it is to stay."""
        from jettison.layer.estargz import write_estargz  # seldom asked for

        given = self._store.layers.find(layer).blob if is_image_layer(layer) else None
        if given is not None and TOC_DIGEST in given.descriptor.annotations:
            return None
        with self._store.scratch_file() as tar:
            if is_image_layer(layer) or self._layer_store.info(layer) is None:
                self._transcode(layer, tar.write, "none", None)
            else:
                pack(
                    self._directory(layer),
                    self._ownership,
                    tar.write,
                    clamp_mtime=form.epoch,
                    exact_mtime=form.exact,
                )
            return write_estargz(tar, write, form.level)

    def _transcode(
        self, layer: LayerId, write: Callable[[bytes], object], compression: str, level: int | None
    ) -> Digest:
        """Compress the blob of an image's layer anew; return the digest of the tar inside."""
        blob = self._store.layers.find(layer).blob
        if blob is None:
            raise StorageError(
                f"layer `{layer}` is not in the store any more",
                hint="pull, load or build its image again",
            )
        descriptor = self._fetch(layer, blob.descriptor)
        path = self._store.blobs.path(descriptor.digest)
        with (
            path.open("rb") as file,
            open_decompressed(file, LAYER_COMPRESSION[descriptor.media_type]) as tar,
            TarSink(write, compression, level) as output,
        ):
            while chunk := tar.read(_CHUNK_BYTES):
                output.write(chunk)
            return output.finish()

    def _directory(self, layer: LayerId) -> Path:
        if self._layer_store.info(layer) is None:
            raise StorageError(
                f"layer `{layer}` is not in the store any more", hint="build its image again"
            )
        return self._layer_store.directory(layer)


def _checking(write: Callable[[bytes], object], stop: Stop | None) -> Callable[[bytes], object]:
    """Return a function that writes unless the work is not wanted any more."""
    if stop is None:
        return write

    def checked(data: bytes) -> None:
        stop.check()
        write(data)

    return checked

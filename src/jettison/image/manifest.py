"""Manifests of stored images: the one that an image came with, or one made for an export.

In:  a stored image, how its layers are to be compressed, annotations.
Out: the manifest's bytes and descriptors of everything it names.

Source: OCI image-spec 1.1, manifest.md; docker image manifest v2, schema 2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import msgspec

from jettison.errors import InternalError
from jettison.image.document import decode_document
from jettison.image.layers import LayerBlobs
from jettison.image.parallel import Stop, run_parallel
from jettison.oci import mediatype
from jettison.oci.codec import MAX_DOCUMENT_BYTES, decode, encode
from jettison.oci.config import ImageConfig
from jettison.oci.digest import Digest, sha256_digest
from jettison.oci.manifest import Descriptor, Index, Manifest
from jettison.oci.platform import Platform
from jettison.store.image import StoredImage
from jettison.store.layer import LayerId
from jettison.store.store import Store

_PARALLEL = 4


class Compression(msgspec.Struct, frozen=True):
    """How layers of an image are compressed.

    Args:
        name: ``none``, ``gzip`` or ``zstd``.
        level: Of the compressor; None is its default.
        force: Also layers that came with other images in another compression.
    """

    name: str = "gzip"
    level: int | None = None
    force: bool = False


class ManifestForm(msgspec.Struct, frozen=True):
    """What a manifest is to look like.

    Args:
        compression: Of the layers.
        oci: OCI's media types or docker's; None keeps what the image came with, else OCI's.
        annotations: Of the manifest.
    """

    compression: Compression = Compression()
    oci: bool | None = None
    annotations: Mapping[str, str] = {}


class BuiltManifest(msgspec.Struct, frozen=True):
    """A manifest; ``layers`` are (name, descriptor) pairs, base first.

    The blobs of layers need not be in the store yet: ``LayerBlobs.fetch`` gets them, from
    ``source`` where nothing else is known.
    """

    descriptor: Descriptor
    data: bytes
    config: Descriptor
    config_data: bytes
    layers: tuple[tuple[LayerId, Descriptor], ...]
    source: str = ""


def build_manifest(
    store: Store, image: StoredImage, blobs: LayerBlobs, form: ManifestForm
) -> BuiltManifest:
    """Return the manifest of an image; layers made here are packed where they are not yet.

    A pulled or loaded image keeps the manifest it came with, and so its digest, unless the form
    asks for something else.

    Raises:
        StorageError: a layer is not here any more, or no space.
    """
    kept = _kept(store, image, form)
    if kept is not None:
        return kept
    oci = form.oci is not False
    types = mediatype.OCI_LAYERS if oci else mediatype.DOCKER_LAYERS
    names = [layer.layer for layer in image.layers]
    jobs = [partial(_describe, blobs, name, form.compression) for name in dict.fromkeys(names)]
    described = dict(zip(dict.fromkeys(names), run_parallel(jobs, limit=_PARALLEL), strict=True))
    layers = tuple((name, _typed(described[name], types)) for name in names)
    config = Descriptor(
        mediatype.OCI_CONFIG if oci else mediatype.DOCKER_CONFIG, image.id, len(image.config)
    )
    kind = mediatype.OCI_MANIFEST if oci else mediatype.DOCKER_MANIFEST
    manifest = Manifest(
        config=config,
        layers=tuple(descriptor for _, descriptor in layers),
        media_type=kind,
        annotations=dict(form.annotations) if oci else {},
    )
    data = encode(manifest)
    descriptor = Descriptor(
        kind, sha256_digest(data), len(data), platform=image_platform(image.config)
    )
    return BuiltManifest(descriptor, data, config, image.config, layers)


def build_index(
    manifests: Sequence[Descriptor],
    *,
    oci: bool = True,
    annotations: Mapping[str, str] | None = None,
) -> tuple[Descriptor, bytes]:
    """Return the index of manifests for several platforms, and its bytes."""
    kind = mediatype.OCI_INDEX if oci else mediatype.DOCKER_INDEX
    index = Index(manifests=tuple(manifests), media_type=kind, annotations=dict(annotations or {}))
    data = encode(index)
    return Descriptor(kind, sha256_digest(data), len(data)), data


def image_platform(config_data: bytes) -> Platform:
    """Return the platform that an image's config says."""
    config = decode(ImageConfig, config_data)
    return Platform(
        architecture=config.architecture,
        os=config.os,
        variant=config.variant,
        os_version=config.os_version,
        os_features=config.os_features,
    )


def _kept(store: Store, image: StoredImage, form: ManifestForm) -> BuiltManifest | None:
    """Return the manifest that the image came with, if it will do and can be served."""
    came = image.manifest
    if came is None or form.annotations or form.compression.force or not _has(store, came.digest):
        return None
    if form.oci is not None and form.oci != (came.media_type == mediatype.OCI_MANIFEST):
        return None
    data = store.blobs.read(came.digest, limit=MAX_DOCUMENT_BYTES)
    manifest = decode_document(data, came.media_type)
    if not isinstance(manifest, Manifest):
        raise InternalError(f"the manifest of image `{image.id}` is an index")
    layers = tuple(
        (layer.layer, descriptor)
        for layer, descriptor in zip(image.layers, manifest.layers, strict=True)
    )
    for name, descriptor in layers:
        remote = store.layers.find(name).remote
        elsewhere = remote is not None and remote.descriptor.digest == descriptor.digest
        if not (image.source or elsewhere or _has(store, descriptor.digest)):
            return None
    platform = image_platform(image.config)
    descriptor = Descriptor(came.media_type, came.digest, came.size, platform=platform)
    return BuiltManifest(descriptor, data, manifest.config, image.config, layers, image.source)


def _has(store: Store, digest: Digest) -> bool:
    return store.blobs.has(digest)


def _describe(
    blobs: LayerBlobs, layer: LayerId, compression: Compression, stop: Stop
) -> Descriptor:
    stop.check()
    return blobs.describe(layer, compression.name, level=compression.level, force=compression.force)


def _typed(descriptor: Descriptor, types: Mapping[str, str]) -> Descriptor:
    """Return a layer's descriptor under OCI's or docker's media type; foreign ones stay."""
    if descriptor.urls:
        return descriptor
    kind = types[mediatype.LAYER_COMPRESSION[descriptor.media_type]]
    return msgspec.structs.replace(descriptor, media_type=kind)

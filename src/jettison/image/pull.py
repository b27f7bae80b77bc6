"""Pulling: what a registry or a layout says about an image, into the store.

In:  references and a platform.
Out: stored images whose layers are known by where they can be had. Layers come later, when their
files or blobs are wanted (``image.layers``).
"""

from __future__ import annotations

import time

import msgspec

from jettison.errors import InvalidManifestError
from jettison.image.document import (
    check_is_image,
    choose_platform,
    decode_config,
    decode_document,
)
from jettison.image.layout import SCHEME, LayoutReference, OciLayout
from jettison.image.remote import ClientFactory
from jettison.oci.digest import Digest
from jettison.oci.manifest import Descriptor, Index, Manifest
from jettison.oci.platform import Platform
from jettison.oci.reference import Reference
from jettison.store.image import StoredImage
from jettison.store.layer import StoredLayer
from jettison.store.store import Store

_MAX_NESTING = 3


def pull_manifest(
    store: Store,
    client: ClientFactory,
    reference: Reference,
    platform: Platform,
    *,
    keep: bool = True,
) -> StoredImage | None:
    """Ask a registry for an image and keep what it says; None when there is no such image.

    The reference's tag points at the image afterwards. Without ``keep`` only the manifest's blob
    is in the store then, until it is pruned.

    Raises:
        PlatformNotFoundError: it has no image for the platform.
        RegistryError, ContentError: it does not answer, or not properly.
    """
    pulled = client().manifest(reference)
    nesting = 0
    while True:
        if pulled is None:
            return None
        document = decode_document(pulled.data, pulled.descriptor.media_type)
        if isinstance(document, Manifest):
            break
        chosen = _choose(document, platform, reference.familiar, nesting)
        nesting += 1
        at = msgspec.structs.replace(reference, tag="", digest=chosen.digest)
        pulled = client().manifest(at)
    check_is_image(document, reference.familiar)
    known = _with_manifest(store, pulled.descriptor.digest)
    image = known or describe_image(
        store,
        document,
        pulled.descriptor,
        client().document(reference, document.config),
        source=str(reference),
    )
    store.blobs.put(pulled.data)
    if not keep:
        return image
    name = "" if reference.digest else str(reference)
    keep_image(store, image, document.layers, source=str(reference), name=name)
    store.images.remember_manifest(str(reference), str(platform), pulled.descriptor.digest)
    return image


def read_layout(
    store: Store, reference: LayoutReference, platform: Platform, *, keep: bool = True
) -> StoredImage:
    """Read an image of a layout directory; its layers stay there until they are wanted.

    Without ``keep`` only the manifest's blob is in the store then, until it is pruned.

    Raises:
        ImageNotFoundError: no such layout, tag or blob.
        PlatformNotFoundError: it has no image for the platform.
        ContentError: its bytes are not what its descriptors say.
    """
    layout = OciLayout(reference.path)
    descriptor = layout.find(reference)
    nesting = 0
    while True:
        data = layout.document(descriptor)
        document = decode_document(data, descriptor.media_type)
        if isinstance(document, Manifest):
            break
        descriptor = _choose(document, platform, reference.path, nesting)
        nesting += 1
    image = describe_image(store, document, descriptor, layout.document(document.config), source="")
    store.blobs.put(data)
    if keep:
        keep_image(store, image, document.layers, source=SCHEME + reference.path)
    return image


def keep_image(
    store: Store,
    image: StoredImage,
    layers: tuple[Descriptor, ...],
    *,
    source: str,
    name: str = "",
) -> None:
    """Keep an image, where its layers can be had, and perhaps a name, in one transaction.

    Args:
        store: Keeps it.
        image: It.
        layers: Descriptors of its layers' blobs, base first.
        source: Where these are: text of a reference, or ``oci-layout://PATH``; empty when they
            are in the store.
        name: Normalised reference that is to point at it.
    """
    with store.database.transaction():
        for layer, descriptor in zip(image.layers, layers, strict=True):
            if source:
                store.layers.add_remote(layer.layer, descriptor, source)
        store.images.add(image)
        if name:
            store.images.tag(name, image.id)


def describe_image(
    store: Store,
    manifest: Manifest,
    descriptor: Descriptor,
    config_data: bytes,
    *,
    source: str = "",
) -> StoredImage:
    """Return the image that a manifest and the bytes of its config are, checked.

    Raises:
        InvalidManifestError: they are no image, or do not fit.
    """
    config = decode_config(manifest, config_data)
    layers = tuple(
        StoredLayer(store.layers.named(diff_id), diff_id) for diff_id in config.rootfs.diff_ids
    )
    kind = descriptor.media_type or manifest.media_type
    return StoredImage(
        id=manifest.config.digest,
        config=config_data,
        layers=layers,
        manifest=Descriptor(kind, descriptor.digest, descriptor.size),
        source=source,
        created_ns=time.time_ns(),
    )


def _choose(document: Index, platform: Platform, name: str, nesting: int) -> Descriptor:
    if nesting >= _MAX_NESTING:
        raise InvalidManifestError(f"the index of `{name}` is nested too deeply")
    return choose_platform(document, platform, name=name)


def _with_manifest(store: Store, digest: Digest) -> StoredImage | None:
    """Return the image of a manifest that was pulled before."""
    for image in store.images.all():
        if image.manifest is not None and image.manifest.digest == digest:
            return image
    return None

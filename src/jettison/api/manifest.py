"""Manifests as documents: of an image of the store, or of a registry.

In:  a name.
Out: bytes with a descriptor; of an index, also the manifests that it names.
"""

from __future__ import annotations

import msgspec

from jettison.api.session import Session
from jettison.errors import ImageNotFoundError, InvalidReferenceError
from jettison.image.document import decode_config, decode_document
from jettison.image.names import find_image
from jettison.oci.digest import sha256_digest
from jettison.oci.manifest import Descriptor, Index
from jettison.oci.platform import Platform
from jettison.oci.reference import Reference, parse_reference

_MOST_BYTES = 4 << 20
_MOST_MANIFESTS = 256
"""Of an index: more than there are platforms."""


class ShownManifest(msgspec.Struct, frozen=True):
    """A manifest or an index.

    Args:
        name: What it is named by, with its digest where an index names it.
        descriptor: Of it, with the platform where an index says one.
        data: Its bytes.
    """

    name: str
    descriptor: Descriptor
    data: bytes


def find_manifest(session: Session, name: str) -> ShownManifest:
    """Return what a name is: in the store, if the image came with a manifest, else in a registry.

    Raises:
        ImageNotFoundError: neither has it.
        RegistryError: the registry does not answer.
    """
    kept = None if name.startswith("sha256:") else session.store.lists.get(_full(name))
    if kept is not None:
        described = Descriptor(kept.media_type, sha256_digest(kept.data), len(kept.data))
        return ShownManifest(name, described, kept.data)
    try:
        image = find_image(session.store, name)
    except ImageNotFoundError:
        image = None
    descriptor = image.manifest if image is not None else None
    if descriptor is not None and session.store.blobs.has(descriptor.digest):
        data = session.store.blobs.read(descriptor.digest, limit=_MOST_BYTES)
        return ShownManifest(name, descriptor, data)
    reference = parse_reference(name)
    pulled = session.registry().manifest(reference)
    if pulled is None:
        built = image is not None
        raise ImageNotFoundError(
            f"`{name}` has no manifest yet: it was built here"
            if built
            else f"no manifest of `{name}`, neither here nor in its registry",
            hint="a manifest is made by `jettison push` and `jettison save`" if built else None,
        )
    return ShownManifest(reference.familiar, pulled.descriptor, pulled.data)


def manifests_of(session: Session, shown: ShownManifest) -> list[ShownManifest]:
    """Return what an index names, each with its bytes; of a manifest, itself with its platform.

    Raises:
        RegistryError, ContentError: a manifest cannot be had.
        InvalidReferenceError: the index names more than can be shown.
    """
    document = decode_document(shown.data, shown.descriptor.media_type)
    if not isinstance(document, Index):
        config = decode_config(document, _config(session, shown.name, document.config))
        platform = Platform(config.architecture, config.os, config.variant)
        described = msgspec.structs.replace(shown.descriptor, platform=platform)
        return [msgspec.structs.replace(shown, descriptor=described)]
    if len(document.manifests) > _MOST_MANIFESTS:
        raise InvalidReferenceError(f"`{shown.name}` has more than {_MOST_MANIFESTS} manifests")
    reference = parse_reference(shown.name)
    return [_member(session, reference, each) for each in document.manifests]


def _full(name: str) -> str:
    return str(parse_reference(name))


def _config(session: Session, name: str, config: Descriptor) -> bytes:
    image = session.store.images.get(config.digest)
    if image is not None:
        return image.config
    return session.registry().document(parse_reference(name), config)


def _member(session: Session, reference: Reference, descriptor: Descriptor) -> ShownManifest:
    at = msgspec.structs.replace(reference, tag="", digest=descriptor.digest)
    if session.store.blobs.has(descriptor.digest):
        data = session.store.blobs.read(descriptor.digest, limit=_MOST_BYTES)
        return ShownManifest(at.familiar, descriptor, data)
    pulled = session.registry().manifest(at)
    if pulled is None:
        raise ImageNotFoundError(f"the registry lacks `{at.familiar}`, which its index names")
    return ShownManifest(at.familiar, descriptor, pulled.data)

"""Referrers: documents that a registry keeps beside an image, such as the report of its build.

In:  the bytes of a document, an image's manifest in a repository.
Out: an artifact whose subject is that manifest; the document of a kind that an image has.

Source: OCI image-spec 1.1, manifest.md (artifacts, ``subject``); distribution-spec 1.1, "Listing
Referrers" and "Referrers Tag Schema" for registries that do not list them.
"""

from __future__ import annotations

import io
from functools import partial

import msgspec

from jettison.errors import InvalidManifestError
from jettison.oci.codec import decode, encode
from jettison.oci.digest import Digest, sha256_digest
from jettison.oci.manifest import Descriptor, Index, Manifest
from jettison.oci.mediatype import OCI_INDEX, OCI_MANIFEST
from jettison.oci.reference import Reference
from jettison.registry.client import RegistryClient
from jettison.registry.upload import Uploader

_EMPTY = b"{}"
_EMPTY_TYPE = "application/vnd.oci.empty.v1+json"


def attach(
    client: RegistryClient, target: Reference, subject: Descriptor, kind: str, data: bytes
) -> Digest:
    """Put a document beside an image, in place of an earlier one of its kind; return its digest.

    Args:
        client: Talks to the registry.
        target: The image's repository.
        subject: The image's manifest or index, which is there.
        kind: Media type of the document.
        data: It.

    Raises:
        RegistryError: the registry refuses.
        InvalidManifestError: what it has under the tag of the image's referrers is no index.
    """
    uploader = Uploader(client, target)
    document = Descriptor(kind, sha256_digest(data), len(data))
    config = Descriptor(_EMPTY_TYPE, sha256_digest(_EMPTY), len(_EMPTY))
    uploader.blob(document, partial(io.BytesIO, data))
    uploader.blob(config, partial(io.BytesIO, _EMPTY))
    manifest = encode(
        Manifest(config, (document,), media_type=OCI_MANIFEST, artifact_type=kind, subject=subject)
    )
    made = Descriptor(OCI_MANIFEST, sha256_digest(manifest), len(manifest), artifact_type=kind)
    if not uploader.manifest(made.digest, OCI_MANIFEST, manifest):
        listed = _listed_by_tag(client, target, subject.digest)
        others = tuple(each for each in listed if each.artifact_type != kind)
        index = Index((*others, made), media_type=OCI_INDEX)
        uploader.manifest(_tag(subject.digest), OCI_INDEX, encode(index))
    return made.digest


def attached(client: RegistryClient, target: Reference, subject: Digest, kind: str) -> bytes | None:
    """Return the document of a kind that an image has in a repository, None without one.

    Args:
        client: Talks to the registry.
        target: The repository.
        subject: Digest of the image's manifest or index.
        kind: Media type of the document.

    Raises:
        RegistryError: the registry cannot be asked.
        InvalidManifestError, DigestMismatchError: what it has is not what it says.
    """
    data = client.referrers(target, subject)
    listed = _listed_by_tag(client, target, subject) if data is None else _index(data)
    # A registry that lists them puts new ones anywhere; the last is as good as another.
    for each in reversed([each for each in listed if each.artifact_type == kind]):
        place = msgspec.structs.replace(target, tag="", digest=each.digest)
        pulled = client.manifest(place)
        if pulled is None:
            continue
        manifest = decode(Manifest, pulled.data)
        if manifest.subject is None or manifest.subject.digest != subject:
            raise InvalidManifestError(f"`{place}` is listed with an image that is not its subject")
        for layer in manifest.layers:
            if layer.media_type == kind:
                return client.document(target, layer)
    return None


def _listed_by_tag(
    client: RegistryClient, target: Reference, subject: Digest
) -> tuple[Descriptor, ...]:
    place = msgspec.structs.replace(target, tag=_tag(subject), digest=None)
    pulled = client.manifest(place)
    return () if pulled is None else _index(pulled.data)


def _index(data: bytes) -> tuple[Descriptor, ...]:
    return decode(Index, data).manifests


def _tag(subject: Digest) -> str:
    return subject.replace(":", "-")

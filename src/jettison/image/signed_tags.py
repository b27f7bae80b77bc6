"""Signatures in registries where cosign keeps them: under tags that are made of digests.

In:  signed documents of an image.
Out: a manifest under ``sha256-HEX.sig`` or ``sha256-HEX.att`` whose layers they are.

Source: cosign's signature specification, "Storage".
Security: what is under such a tag is hostile: how many documents there are, and how large, is
bounded; that they say the truth is for others to find out.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from functools import partial

import msgspec

from jettison.errors import InvalidManifestError
from jettison.image.attestation import holder
from jettison.oci.codec import decode
from jettison.oci.digest import Digest
from jettison.oci.manifest import Descriptor, Manifest
from jettison.oci.mediatype import OCI_MANIFEST
from jettison.oci.reference import Reference
from jettison.registry.client import RegistryClient
from jettison.registry.upload import Uploader

SIGNATURES, ATTESTATIONS = "sig", "att"
"""What the tags end with."""
MOST_DOCUMENTS = 64

Document = tuple[Descriptor, bytes]


def signed_documents(
    client: RegistryClient, target: Reference, subject: Digest, suffix: str, *, limit: int
) -> list[Document]:
    """Return the signed documents of an image.

    Args:
        client: Talks to the registry.
        target: The image's repository.
        subject: Digest of its manifest or index.
        suffix: ``SIGNATURES`` or ``ATTESTATIONS``.
        limit: Most bytes of one.

    Raises:
        RegistryError: the registry cannot be asked.
        InvalidManifestError, DigestMismatchError: what it has is not what it says, or too much.
    """
    place = _place(target, subject, suffix)
    pulled = client.manifest(place)
    if pulled is None:
        return []
    layers = decode(Manifest, pulled.data).layers
    if len(layers) > MOST_DOCUMENTS:
        raise InvalidManifestError(f"`{place}` has {len(layers)} documents")
    return [(each, client.document(target, each, limit=limit)) for each in layers]


def put_signed(
    client: RegistryClient,
    target: Reference,
    subject: Digest,
    suffix: str,
    documents: Sequence[Document],
    *,
    keep: Callable[[Descriptor, bytes], bool],
    limit: int,
    insecure: bool = False,
) -> None:
    """Put signed documents beside an image.

    Args:
        client: Talks to the registry.
        target: The image's repository.
        subject: Digest of its manifest or index.
        suffix: ``SIGNATURES`` or ``ATTESTATIONS``.
        documents: They.
        keep: Tells which of those that are there stay.
        limit: Most bytes of one that is there.
        insecure: Do without TLS checks.

    Raises:
        RegistryError, ContentError: as ``signed_documents``.
    """
    there = signed_documents(client, target, subject, suffix, limit=limit)
    kept = [each for each, data in there if keep(each, data)]
    uploader = Uploader(client, target, insecure=insecure)
    made = holder([*kept, *(each for each, _ in documents)])
    for descriptor, data in (*made.blobs, *documents):
        uploader.blob(descriptor, partial(io.BytesIO, data))
    uploader.manifest(_place(target, subject, suffix).tag, OCI_MANIFEST, made.data)


def _place(target: Reference, subject: Digest, suffix: str) -> Reference:
    tag = f"{subject.replace(':', '-')}.{suffix}"
    return msgspec.structs.replace(target, tag=tag, digest=None)

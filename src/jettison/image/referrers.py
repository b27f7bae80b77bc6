"""Referrers: documents that a registry keeps beside an image, such as the report of its build.

In:  the bytes of a document, an image's manifest in a repository.
Out: an artifact whose subject is that manifest; the document of a kind that an image has.

Source: OCI image-spec 1.1, manifest.md (artifacts, ``subject``); distribution-spec 1.1, "Listing
Referrers" and "Referrers Tag Schema" for registries that do not list them.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from functools import partial

import msgspec

from jettison.errors import InvalidManifestError
from jettison.image.document import decode_document
from jettison.oci.codec import decode, encode
from jettison.oci.digest import Digest, sha256_digest
from jettison.oci.manifest import Descriptor, Index, Manifest
from jettison.oci.mediatype import OCI_INDEX, OCI_MANIFEST
from jettison.oci.reference import Reference
from jettison.registry.client import RegistryClient
from jettison.registry.upload import Uploader

MAX_STATEMENT_BYTES = 64 << 20
"""Of a document beside an image: a bill of materials of a large one has some ten MiB."""
_EMPTY = b"{}"
_EMPTY_TYPE = "application/vnd.oci.empty.v1+json"


def attach(
    client: RegistryClient,
    target: Reference,
    subject: Descriptor,
    kind: str,
    data: bytes,
    *,
    notes: Mapping[str, str] | None = None,
    insecure: bool = False,
    in_place: bool = True,
) -> Digest:
    """Put a document beside an image, in place of an earlier one of its kind; return its digest.

    A registry that lists referrers itself keeps the earlier one as well.

    Args:
        client: Talks to the registry.
        target: The image's repository.
        subject: The image's manifest or index, which is there.
        kind: Media type of the document.
        data: It.
        notes: Annotations of the document: documents that differ in them are of several kinds.
        insecure: Do without TLS checks.
        in_place: Whether it is put in place of another: those of others who sign stay.

    Raises:
        RegistryError: the registry refuses.
        InvalidManifestError: what it has under the tag of the image's referrers is no index.
    """
    uploader = Uploader(client, target, insecure=insecure)
    annotations = dict(notes or {})
    document = Descriptor(kind, sha256_digest(data), len(data), annotations=annotations)
    config = Descriptor(_EMPTY_TYPE, sha256_digest(_EMPTY), len(_EMPTY))
    uploader.blob(document, partial(io.BytesIO, data))
    uploader.blob(config, partial(io.BytesIO, _EMPTY))
    manifest = encode(
        Manifest(
            config,
            (document,),
            media_type=OCI_MANIFEST,
            artifact_type=kind,
            subject=_plain(subject),
            annotations=annotations,
        )
    )
    made = Descriptor(
        OCI_MANIFEST,
        sha256_digest(manifest),
        len(manifest),
        artifact_type=kind,
        annotations=annotations,
    )
    if not uploader.manifest(made.digest, OCI_MANIFEST, manifest):
        listed = _listed_by_tag(client, target, subject.digest)
        others = [
            each
            for each in listed
            if each.digest != made.digest
            and not (in_place and (each.artifact_type, each.annotations) == (kind, annotations))
        ]
        _list_by_tag(uploader, subject.digest, [*others, made])
    return made.digest


def note_by_tag(
    client: RegistryClient,
    uploader: Uploader,
    target: Reference,
    subject: Digest,
    descriptor: Descriptor,
    data: bytes,
) -> None:
    """List an artifact under the tag of its subject's referrers, beside those that are there.

    Args:
        client: Talks to the registry.
        uploader: Pushes to the repository.
        target: The repository.
        subject: What the artifact refers to.
        descriptor: Of the artifact, which is there.
        data: Its bytes, a manifest or an index with that subject.

    Raises:
        RegistryError: the registry refuses.
        InvalidManifestError: what it has under that tag is no index.
    """
    listed = _listed_by_tag(client, target, subject)
    if any(each.digest == descriptor.digest for each in listed):
        return
    document = decode_document(data, descriptor.media_type)
    of_config = document.config.media_type if isinstance(document, Manifest) else ""
    made = Descriptor(
        descriptor.media_type,
        descriptor.digest,
        len(data),
        artifact_type=document.artifact_type or of_config,
        annotations=document.annotations,
    )
    _list_by_tag(uploader, subject, [*listed, made])


def all_referrers(client: RegistryClient, target: Reference, subject: Digest) -> list[Descriptor]:
    """Return all artifacts that refer to a manifest, each once; raises as ``attached``."""
    data = client.referrers(target, subject)
    listed = () if data is None else _index(data)
    by_tag = _listed_by_tag(client, target, subject)
    return list({each.digest: each for each in (*listed, *by_tag)}.values())


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
    # A registry that lists them puts new ones anywhere; the last is as good as another.
    for each in reversed(referrers(client, target, subject, kind)):
        found = documents(client, target, subject, each)
        if found:
            return found[0]
    return None


def referrers(
    client: RegistryClient, target: Reference, subject: Digest, kind: str
) -> list[Descriptor]:
    """Return the artifacts of a kind that refer to a manifest; raises as ``attached``.

    Registries that list referrers need not list what was put under the tag before they did, and
    some list artifacts by the type of their config.
    """
    data = client.referrers(target, subject)
    listed = () if data is None else _index(data)
    found = [each for each in listed if each.artifact_type == kind]
    if not found:
        listed = _listed_by_tag(client, target, subject)
        found = [each for each in listed if each.artifact_type == kind]
    return found


def documents(
    client: RegistryClient,
    target: Reference,
    subject: Digest,
    artifact: Descriptor,
    *,
    limit: int = MAX_STATEMENT_BYTES,
) -> list[bytes]:
    """Return the documents of an artifact that are of its kind; none if it is gone.

    Args:
        client: Talks to the registry.
        target: The repository.
        subject: What the artifact must refer to.
        artifact: It, as it is listed.
        limit: Most bytes of a document.

    Raises:
        RegistryError: the registry cannot be asked.
        InvalidManifestError, DigestMismatchError: what it has is not what it says.
    """
    place = msgspec.structs.replace(target, tag="", digest=artifact.digest)
    pulled = client.manifest(place)
    if pulled is None:
        return []
    manifest = decode(Manifest, pulled.data)
    if manifest.subject is None or manifest.subject.digest != subject:
        raise InvalidManifestError(f"`{place}` is listed with an image that is not its subject")
    wanted = (layer for layer in manifest.layers if layer.media_type == artifact.artifact_type)
    return [client.document(target, layer, limit=limit) for layer in wanted]


def _listed_by_tag(
    client: RegistryClient, target: Reference, subject: Digest
) -> tuple[Descriptor, ...]:
    place = msgspec.structs.replace(target, tag=_tag(subject), digest=None)
    pulled = client.manifest(place)
    return () if pulled is None else _index(pulled.data)


def _list_by_tag(uploader: Uploader, subject: Digest, artifacts: Sequence[Descriptor]) -> None:
    index = Index(tuple(artifacts), media_type=OCI_INDEX)
    uploader.manifest(_tag(subject), OCI_INDEX, encode(index))


def _index(data: bytes) -> tuple[Descriptor, ...]:
    return decode(Index, data).manifests


def _plain(subject: Descriptor) -> Descriptor:
    """Return a descriptor without what an index says of it: a subject is what it names."""
    return Descriptor(subject.media_type, subject.digest, subject.size)


def _tag(subject: Digest) -> str:
    algorithm, _, encoded = subject.partition(":")
    return f"{algorithm[:32]}-{encoded[:64]}"

"""Attestations of images: statements about their digests, and where they are kept.

In:  predicates, the manifest that they are about, its names.
Out: in-toto statements; the manifest that holds those of an image in an index, as buildx lays them
     out.

A predicate says nothing of the digest of the image, so that it can be made before: a statement
binds it to one.

Source: in-toto attestation framework, statement v1; BuildKit's attestation storage.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec

from jettison.oci import mediatype
from jettison.oci.codec import encode
from jettison.oci.config import ImageConfig, RootFS
from jettison.oci.digest import Digest, sha256_digest
from jettison.oci.manifest import Descriptor, Manifest
from jettison.oci.platform import Platform
from jettison.oci.reference import Reference
from jettison.store.image import StoredImage

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
MEDIA_TYPE = "application/vnd.in-toto+json"
PREDICATE_TYPE = "in-toto.io/predicate-type"
"""Annotation of what holds a statement."""
REFERENCE_TYPE = "vnd.docker.reference.type"
REFERENCE_DIGEST = "vnd.docker.reference.digest"
ATTESTATION_MANIFEST = "attestation-manifest"
_UNKNOWN = Platform("unknown", "unknown")


class Attestation(msgspec.Struct, frozen=True):
    """What is said of an image.

    Args:
        predicate_type: URI of its kind.
        predicate: It, as JSON.
        filename: Of the file that has it beside exported files.
        inline: Whether it goes into the index, where the output leaves the choice.
        inline_only: Whether it is left out beside exported files.
    """

    predicate_type: str
    predicate: bytes
    filename: str
    inline: bool = False
    inline_only: bool = False


class StatementSubject(msgspec.Struct, frozen=True):
    """What a statement is about: a name, and digests in hexadecimal digits by algorithm."""

    name: str
    digest: dict[str, str]


class _Statement(msgspec.Struct, frozen=True):
    type: str = msgspec.field(name="_type")
    predicate_type: str = msgspec.field(name="predicateType")
    subject: tuple[StatementSubject, ...]
    predicate: msgspec.Raw


AttestationsOf = Callable[[StoredImage], Sequence[Attestation]]
"""Returns what is said of an image; made when somebody wants it."""


def no_attestations(_image: StoredImage) -> tuple[Attestation, ...]:
    """Return nothing: what is said of images unless somebody asks."""
    return ()


def statement(attestation: Attestation, subjects: Iterable[StatementSubject]) -> bytes:
    """Return the statement that an attestation makes of subjects, as JSON."""
    return msgspec.json.encode(
        _Statement(
            STATEMENT_TYPE,
            attestation.predicate_type,
            tuple(subjects),
            msgspec.Raw(attestation.predicate),
        )
    )


def image_subjects(
    digest: Digest, names: Sequence[Reference], platform: Platform | None
) -> tuple[StatementSubject, ...]:
    """Return an image as the subject of statements: once for each name.

    Args:
        digest: Of its manifest.
        names: That it has; ``_`` stands for none.
        platform: Of the image.
    """
    algorithm, _, value = digest.partition(":")
    titles = dict.fromkeys(package_url(name, platform) for name in names) or {"_": None}
    return tuple(StatementSubject(title, {algorithm: value}) for title in titles)


def package_url(name: Reference, platform: Platform | None) -> str:
    """Return the package URL of an image as buildx writes it.

    >>> from jettison.oci.reference import parse_reference
    >>> package_url(parse_reference("alpine:3.20"), Platform("amd64", "linux"))
    'pkg:docker/alpine@3.20?platform=linux%2Famd64'
    """
    from urllib.parse import quote  # builds without attestations do without it

    familiar = msgspec.structs.replace(name, tag="", digest=None).familiar
    version = f"@{quote(name.tag, safe='')}" if name.tag else ""
    qualifiers = [f"digest={name.digest}"] if name.digest else []
    if platform is not None:
        qualifiers.append(f"platform={quote(str(platform), safe='')}")
    query = f"?{'&'.join(qualifiers)}" if qualifiers else ""
    return f"pkg:docker/{quote(familiar, safe='/:')}{version}{query}"


class AttestationManifest(msgspec.Struct, frozen=True):
    """A manifest of statements; ``blobs`` are its config and the statements, by descriptor."""

    descriptor: Descriptor
    data: bytes
    blobs: tuple[tuple[Descriptor, bytes], ...]


def attestation_manifest(
    image: Descriptor, attestations: Sequence[Attestation], names: Sequence[Reference]
) -> AttestationManifest:
    """Return what an index has beside an image: a manifest for no platform, with statements.

    Args:
        image: The image's manifest.
        attestations: What is said of it, at least one thing.
        names: The image's.
    """
    subjects = image_subjects(image.digest, names, image.platform)
    statements = [
        (_described(statement(each, subjects), each.predicate_type), statement(each, subjects))
        for each in attestations
    ]
    held = holder([each for each, _ in statements])
    descriptor = msgspec.structs.replace(
        held.descriptor,
        annotations={REFERENCE_DIGEST: image.digest, REFERENCE_TYPE: ATTESTATION_MANIFEST},
        platform=_UNKNOWN,
    )
    return AttestationManifest(descriptor, held.data, (*held.blobs, *statements))


def holder(documents: Sequence[Descriptor]) -> AttestationManifest:
    """Return a manifest that holds documents as if they were layers, with its config.

    Readers that know no artifacts take it for an image, for no platform.
    """
    config_data = encode(
        ImageConfig(
            architecture="unknown",
            os="unknown",
            rootfs=RootFS("layers", tuple(each.digest for each in documents)),
        )
    )
    config = Descriptor(mediatype.OCI_CONFIG, sha256_digest(config_data), len(config_data))
    data = encode(Manifest(config, tuple(documents), media_type=mediatype.OCI_MANIFEST))
    descriptor = Descriptor(mediatype.OCI_MANIFEST, sha256_digest(data), len(data))
    return AttestationManifest(descriptor, data, ((config, config_data),))


def _described(data: bytes, predicate_type: str) -> Descriptor:
    return Descriptor(
        MEDIA_TYPE, sha256_digest(data), len(data), annotations={PREDICATE_TYPE: predicate_type}
    )

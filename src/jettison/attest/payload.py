"""What cosign signs of an image: a small document with its digest.

In:  a repository and a digest; a document whose signature holds.
Out: the document; the digest that it is about.

Source: cosign's signature specification, "Simple Signing".
Security: documents are hostile until their signature holds; then they prove what they name only.
"""

from __future__ import annotations

import msgspec

from jettison.errors import InvalidManifestError
from jettison.oci.digest import Digest, parse_digest

PAYLOAD_TYPE = "application/vnd.dev.cosign.simplesigning.v1+json"
SIGNATURE = "dev.cosignproject.cosign/signature"
"""Annotation with the signature, in base64."""
MAX_PAYLOAD_BYTES = 1 << 20
_KINDS = frozenset({"cosign container image signature", "atomic container signature"})


class _Identity(msgspec.Struct, frozen=True, rename={"docker_reference": "docker-reference"}):
    docker_reference: str = ""


class _Image(msgspec.Struct, frozen=True, rename={"digest": "docker-manifest-digest"}):
    digest: str


class _Critical(msgspec.Struct, frozen=True):
    identity: _Identity
    image: _Image
    type: str


class _Payload(msgspec.Struct, frozen=True):
    critical: _Critical
    optional: None = None


class _Read(msgspec.Struct, frozen=True):
    critical: _Critical


def signature_payload(repository: str, digest: Digest) -> bytes:
    """Return what is signed of an image.

    Args:
        repository: With its registry.
        digest: Of the image's manifest or index.
    """
    kind = "cosign container image signature"
    return msgspec.json.encode(_Payload(_Critical(_Identity(repository), _Image(digest), kind)))


def signed_digest(data: bytes) -> Digest:
    """Return the digest of the image that a signed document is about.

    Raises:
        InvalidManifestError: it is no such document.
    """
    try:
        critical = msgspec.json.decode(data, type=_Read).critical
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidManifestError(f"what is signed says of no image: {error}") from error
    if critical.type not in _KINDS:
        raise InvalidManifestError(f"what is signed is a `{critical.type[:200]}`, no image")
    return parse_digest(critical.image.digest)

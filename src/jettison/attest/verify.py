"""What signed documents prove of an image.

In:  documents from a registry, who is trusted (``Trust``), the digest of the image.
Out: ``Proof``; or ``VerificationError``, which says what is wrong.

Security: everything but the key and the digest is hostile. What a document says is read only once
its signature holds, and counts only for the digest that it names.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec

from jettison.attest.envelope import Verify, open_envelope, unbase64
from jettison.attest.payload import signed_digest
from jettison.errors import ContentError, InvalidManifestError, VerificationError
from jettison.oci.digest import Digest

SIGNING_TYPE = "https://sigstore.dev/cosign/sign/v1"
"""Predicate of a statement that is no more than a signature of its subject."""
TYPES = {
    "slsaprovenance": ("https://slsa.dev/provenance/v1", "https://slsa.dev/provenance/v0.2"),
    "slsaprovenance1": ("https://slsa.dev/provenance/v1",),
    "slsaprovenance02": ("https://slsa.dev/provenance/v0.2",),
    "spdx": ("https://spdx.dev/Document",),
    "spdxjson": ("https://spdx.dev/Document",),
    "cyclonedx": ("https://cyclonedx.org/bom",),
}
"""Names of predicate types, as cosign has them."""
_STATEMENTS = frozenset({"https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1"})


class Proof(msgspec.Struct, frozen=True):
    """What a signature proves.

    Args:
        digest: Of the image.
        predicate_type: Of what is said of it; empty of a signature of the image alone.
        predicate: What is said, as JSON.
        signer: Identity in the certificate of who signed; empty of a key.
        issuer: Who vouches for that identity.
    """

    digest: Digest
    predicate_type: str = ""
    predicate: bytes = b""
    signer: str = ""
    issuer: str = ""


class Trust(Protocol):
    """Whose signatures count: a key, or an identity that certificates name.

    Each method raises ``VerificationError`` if a document proves nothing of the digest, and
    ``InvalidManifestError`` if it is not what it should be.
    """

    @property
    def name(self) -> str:
        """Who that is, for messages."""

    def signature(self, payload: bytes, signature: str, digest: Digest) -> Proof:
        """Return what a signed payload under a tag of cosign's proves."""

    def attestation(self, envelope: bytes, digest: Digest) -> Proof:
        """Return what a signed envelope under a tag of cosign's proves."""

    def bundle(self, data: bytes, digest: Digest) -> Proof:
        """Return what a bundle of sigstore's proves."""


class KeyTrust:
    """Trust in who has a private key.

    Args:
        verify: Checks a signature with the public key.
    """

    name = "this key"

    def __init__(self, verify: Verify) -> None:
        self._verify = verify

    def signature(self, payload: bytes, signature: str, digest: Digest) -> Proof:
        """See ``Trust``."""
        return prove_signature(payload, signature, digest, self._verify)

    def attestation(self, envelope: bytes, digest: Digest) -> Proof:
        """See ``Trust``."""
        return prove_attestation(envelope, digest, self._verify)

    def bundle(self, data: bytes, digest: Digest) -> Proof:
        """See ``Trust``; certificates and logs that a bundle names are not looked at."""
        return prove_attestation(envelope_of_bundle(data), digest, self._verify)


class _Subject(msgspec.Struct, frozen=True):
    digest: dict[str, str]


class _Statement(msgspec.Struct, frozen=True):
    type: str = msgspec.field(name="_type")
    predicate_type: str = msgspec.field(name="predicateType")
    subject: tuple[_Subject, ...]
    predicate: msgspec.Raw = msgspec.Raw(b"null")


class _Bundle(msgspec.Struct, frozen=True):
    envelope: msgspec.Raw = msgspec.field(name="dsseEnvelope")


def prove_signature(payload: bytes, signature: str, digest: Digest, verify: Verify) -> Proof:
    """Return what a signed payload of cosign's proves.

    Raises:
        VerificationError: its signature does not hold, or is of another image.
        InvalidManifestError: it is none.
    """
    try:
        holds = verify(unbase64(signature), payload)
    except ValueError as error:
        raise InvalidManifestError(f"a signature is {error}") from error
    if not holds:
        raise VerificationError("a signature of the image is not of this key")
    _require_same(signed_digest(payload), digest)
    return Proof(digest)


def prove_attestation(envelope: bytes, digest: Digest, verify: Verify) -> Proof:
    """Return what a signed envelope proves.

    Raises:
        VerificationError: its signature does not hold, or is of another image.
        InvalidManifestError: it is none.
    """
    payload = open_envelope(envelope, verify)
    if payload is None:
        raise VerificationError("an attestation of the image is not signed by this key")
    return prove_statement(payload, digest)


def prove_statement(payload: bytes, digest: Digest, *, by: str = "this key") -> Proof:
    """Return what a statement proves whose signature holds.

    Args:
        payload: The statement.
        digest: Of the image.
        by: Who has signed it, for messages.

    Raises:
        VerificationError: it is of another image.
        InvalidManifestError: it is none.
    """
    try:
        found = msgspec.json.decode(payload, type=_Statement)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidManifestError(f"what is signed is no statement: {error}") from error
    if found.type not in _STATEMENTS:
        raise InvalidManifestError(f"what is signed is a `{found.type[:200]}`, no statement")
    algorithm, _, value = digest.partition(":")
    if not any(each.digest.get(algorithm) == value for each in found.subject):
        named = next(iter(found.subject), _Subject({})).digest.get(algorithm, "nothing")
        _require_same(Digest(f"{algorithm}:{named[:64]}"), digest, by)
    kind = "" if found.predicate_type == SIGNING_TYPE else found.predicate_type
    return Proof(digest, kind, bytes(found.predicate))


def envelope_of_bundle(data: bytes) -> bytes:
    """Return the signed envelope in a bundle of sigstore's.

    Raises:
        InvalidManifestError: it has none.
    """
    try:
        return bytes(msgspec.json.decode(data, type=_Bundle).envelope)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidManifestError(f"a bundle has no signed envelope: {error}") from error


def collect(jobs: list[Callable[[], Proof]]) -> tuple[list[Proof], list[str]]:
    """Return what documents prove, and why others prove nothing."""
    proofs, reasons = [], []
    for job in jobs:
        try:
            proofs.append(job())
        except ContentError as error:
            reasons.append(error.message)
    return proofs, list(dict.fromkeys(reasons))


def _require_same(signed: Digest, wanted: Digest, by: str = "this key") -> None:
    if signed != wanted:
        raise VerificationError(f"what {by} has signed is `{signed}`, not `{wanted}`")

"""``verify``: what is proved of an image of a registry by who is trusted.

In:  a name; a public key, or an identity.
Out: ``Verified``.

Signatures are looked for where cosign 2 puts them (tags) and where cosign 3 does (bundles that
refer to the image).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import msgspec

from jettison.api.session import Session
from jettison.attest.envelope import MAX_ENVELOPE_BYTES
from jettison.attest.payload import MAX_PAYLOAD_BYTES, PAYLOAD_TYPE, SIGNATURE
from jettison.attest.verify import TYPES, Proof, Trust, collect
from jettison.errors import ImageNotFoundError, UsageError, VerificationError
from jettison.image.bundles import listed_bundles, read_bundle
from jettison.image.signed_tags import ATTESTATIONS, SIGNATURES, Document, signed_documents
from jettison.oci.codec import decode
from jettison.oci.digest import Digest
from jettison.oci.manifest import Descriptor, Index
from jettison.oci.mediatype import INDEXES
from jettison.oci.platform import Platform, matches, parse_platform
from jettison.oci.reference import Reference, parse_reference
from jettison.registry.client import RegistryClient


class Verified(msgspec.Struct, frozen=True):
    """What is proved.

    Args:
        reference: Name of the image.
        digest: What it names.
        signatures: What signatures of the image itself prove.
        attestations: What is said of it, or of the image for the platform.
        rejected: Why other documents prove nothing.
    """

    reference: str
    digest: Digest
    signatures: tuple[Proof, ...]
    attestations: tuple[Proof, ...]
    rejected: tuple[str, ...] = ()


def predicate_types(name: str) -> tuple[str, ...]:
    """Return the predicate types of a name or URI; none of an empty one.

    Raises:
        UsageError: it is neither.
    """
    if not name:
        return ()
    if name not in TYPES and "://" not in name:
        raise UsageError(f"`--type {name}` is not known", hint=f"use {', '.join(TYPES)} or a URI")
    return TYPES.get(name, (name,))


def verify_image(
    session: Session, name: str, trust: Trust, *, kind: str = "", platform: str = ""
) -> Verified:
    """Return what is proved of an image.

    Args:
        session: The store.
        name: Of the image, with its registry.
        trust: Whose signatures count.
        kind: Of an attestation that must be there; else a signature of the image must.
        platform: Of the image in an index whose attestations are looked at.

    Raises:
        UsageError: there is no such kind.
        ImageNotFoundError: there is no such image.
        VerificationError: they prove nothing of what is asked.
        RegistryError, ContentError: the registry does not answer, or not properly.
    """
    wanted = predicate_types(kind)
    reference = parse_reference(name)
    client = session.registry()
    pulled = client.manifest(reference)
    if pulled is None:
        raise ImageNotFoundError(
            f"no image `{reference.familiar}` in its registry", hint="check the name and the tag"
        )
    digest = pulled.descriptor.digest
    signed = Registered(client, reference, digest, trust)
    proofs, rejected = signed.proofs()
    if pulled.descriptor.media_type in INDEXES:
        for each in _of_platform(decode(Index, pulled.data), platform):
            more, others = Registered(client, reference, each, trust).proofs()
            proofs += [proof for proof in more if proof.predicate_type]
            rejected += others
    signatures = tuple(proof for proof in proofs if not proof.predicate_type)
    attestations = tuple(proof for proof in proofs if proof.predicate_type)
    if wanted:
        attestations = tuple(each for each in attestations if each.predicate_type in wanted)
    if not (attestations if wanted else signatures):
        what = f"attestation of type `{kind}`" if wanted else "signature"
        why = f": {rejected[0]}" if rejected else ""
        raise VerificationError(
            f"{trust.name} proves nothing of `{reference.familiar}` ({digest}): it has no valid"
            f" {what}{why}",
            hint="check who must have signed, and that the image is the one that was signed",
        )
    return Verified(
        reference.familiar, digest, signatures, attestations, tuple(dict.fromkeys(rejected))
    )


class Registered:
    """Signed documents that a registry has beside a manifest.

    Args:
        client: Talks to the registry.
        target: The repository.
        digest: Of the manifest.
        trust: Whose signatures count.
    """

    def __init__(
        self, client: RegistryClient, target: Reference, digest: Digest, trust: Trust
    ) -> None:
        self._client = client
        self._target = target
        self._digest = digest
        self._trust = trust

    def proofs(self) -> tuple[list[Proof], list[str]]:
        """Return what they prove, and why others prove nothing.

        Raises:
            RegistryError: the registry cannot be asked.
            ContentError: there are too many, or they are not what the registry says.
        """
        found, older = listed_bundles(self._client, self._target, self._digest)
        in_bundles = [partial(self._in_bundle, each) for each in found]
        proofs, reasons = collect([*in_bundles, *self._signatures(), *self._attestations()])
        if older:
            reasons.append(f"{older} bundles of `{self._digest}` are older, and not looked at")
        return proofs, reasons

    def _in_bundle(self, artifact: Descriptor) -> Proof:
        data = read_bundle(self._client, self._target, self._digest, artifact)
        return self._trust.bundle(data, self._digest)

    def _signatures(self) -> list[Callable[[], Proof]]:
        found = self._documents(SIGNATURES, MAX_PAYLOAD_BYTES)
        return [
            partial(self._trust.signature, data, each.annotations.get(SIGNATURE, ""), self._digest)
            for each, data in found
            if each.media_type == PAYLOAD_TYPE
        ]

    def _attestations(self) -> list[Callable[[], Proof]]:
        found = self._documents(ATTESTATIONS, MAX_ENVELOPE_BYTES)
        return [partial(self._trust.attestation, data, self._digest) for _, data in found]

    def _documents(self, suffix: str, limit: int) -> list[Document]:
        return signed_documents(self._client, self._target, self._digest, suffix, limit=limit)


def _of_platform(index: Index, platform: str) -> list[Digest]:
    """Return the manifests of an index for a platform."""
    from jettison.api.compile import this_platform

    wanted: Platform = parse_platform(platform) if platform else this_platform()
    return [
        each.digest
        for each in index.manifests
        if each.platform is not None and matches(wanted, each.platform)
    ]

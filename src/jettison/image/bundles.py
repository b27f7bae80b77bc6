"""Bundles of sigstore's beside images: signatures with all that is needed to verify them.

In:  a bundle, an image's manifest in a repository.
Out: a referrer; the bundles that an image has, the last ones first.

Source: cosign 3, "Sigstore bundle spec" for OCI: one artifact for each bundle.
Security: whoever may push may put any number of them there, with any times: they are bounded.
"""

from __future__ import annotations

from jettison.errors import InvalidManifestError
from jettison.image.referrers import attach, documents, referrers
from jettison.image.signed_tags import MOST_DOCUMENTS
from jettison.oci.digest import Digest
from jettison.oci.manifest import Descriptor
from jettison.oci.reference import Reference
from jettison.registry.client import RegistryClient

BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
MAX_BUNDLE_BYTES = 128 << 20
"""Base64 makes a third more of a statement; the entry of a log has some of it again."""
_CONTENT, _PREDICATE_TYPE = "dev.sigstore.bundle.content", "dev.sigstore.bundle.predicateType"
_CREATED = "org.opencontainers.image.created"


def put_bundle(
    client: RegistryClient,
    target: Reference,
    subject: Descriptor,
    kind: str,
    bundle: bytes,
    *,
    made: str,
    insecure: bool = False,
) -> None:
    """Put a bundle beside an image.

    Args:
        client: Talks to the registry.
        target: The image's repository.
        subject: Its manifest or index.
        kind: Predicate type of the statement in the bundle.
        bundle: It.
        made: When, as RFC 3339 has it.
        insecure: Do without TLS checks.

    Raises:
        RegistryError, InvalidManifestError: as ``image.referrers.attach``.
    """
    notes = {_CREATED: made, _CONTENT: "dsse-envelope", _PREDICATE_TYPE: kind}
    attach(
        client,
        target,
        subject,
        BUNDLE_TYPE,
        bundle,
        notes=notes,
        insecure=insecure,
        in_place=False,
    )


def listed_bundles(
    client: RegistryClient, target: Reference, subject: Digest
) -> tuple[list[Descriptor], int]:
    """Return the last bundles of an image, the newest first, and how many others there are.

    Raises:
        RegistryError: the registry cannot be asked.
        ContentError: what it has is not what it says.
    """
    listed = referrers(client, target, subject, BUNDLE_TYPE)
    listed.sort(key=lambda each: each.annotations.get(_CREATED, ""), reverse=True)
    return listed[:MOST_DOCUMENTS], len(listed[MOST_DOCUMENTS:])


def read_bundle(
    client: RegistryClient, target: Reference, subject: Digest, artifact: Descriptor
) -> bytes:
    """Return the bundle that an artifact has.

    Raises:
        RegistryError: the registry cannot be asked.
        ContentError: the artifact is not what it says, not there, or the bundle too large.
    """
    found = documents(client, target, subject, artifact, limit=MAX_BUNDLE_BYTES)
    if len(found) != 1:
        raise InvalidManifestError(f"`{artifact.digest}` has {len(found)} bundles, not one")
    return found[0]

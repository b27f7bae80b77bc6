"""Attestations and signatures beside images that were pushed.

In:  what a push came to, maybe who signs.
Out: referrers; signatures of the image, and of all that is said of it, where cosign looks for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jettison.exporter.base import ExportResult
from jettison.image.attestation import MEDIA_TYPE, PREDICATE_TYPE, image_subjects, statement
from jettison.image.referrers import attach
from jettison.oci.reference import parse_reference
from jettison.registry.client import RegistryClient

if TYPE_CHECKING:
    from jettison.api.signing import ImageSigner

_TITLE = "org.opencontainers.image.title"


def put_beside(
    client: RegistryClient, result: ExportResult, signer: ImageSigner | None, *, insecure: bool
) -> None:
    """Put what is said of pushed images beside them, in each repository that has them now.

    Args:
        client: Talks to registries.
        result: What was pushed.
        signer: Signs it; None does not.
        insecure: Do without TLS checks.

    Raises:
        RegistryError: a registry refuses.
    """
    names = [parse_reference(name) for name in result.names]
    for place in {name.name: name for name in names}.values():
        for image, said, apart in zip(result.pushed, result.said, result.apart, strict=True):
            subjects = image_subjects(image.digest, names, image.platform)
            for each in apart:
                notes = {PREDICATE_TYPE: each.predicate_type, _TITLE: each.filename}
                data = statement(each, subjects)
                attach(client, place, image, MEDIA_TYPE, data, notes=notes, insecure=insecure)
            if signer is not None:
                made = [(each.predicate_type, statement(each, subjects)) for each in said]
                signer.statements(client, place, image, made, insecure=insecure)
                signer.digest(client, place, image, insecure=insecure)
        whole = result.manifest
        if signer is not None and whole is not None and whole not in result.pushed:
            signer.digest(client, place, whole, insecure=insecure)

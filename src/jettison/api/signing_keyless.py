"""Signing images without a key: bundles of sigstore's that refer to them, as cosign 3 does.

In:  which services sign, who says who signs; images that a registry has, statements about them.
Out: referrers. Those of others stay, and so do earlier ones.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from jettison.api.session import Session
from jettison.attest.request import KeylessRequest
from jettison.attest.verify import SIGNING_TYPE
from jettison.image.assemble import format_time
from jettison.image.attestation import Attestation, image_subjects, statement
from jettison.image.bundles import put_bundle
from jettison.oci.manifest import Descriptor
from jettison.oci.reference import Reference
from jettison.registry.client import RegistryClient

if TYPE_CHECKING:
    from jettison.attest.keyless.identity import Certified
    from jettison.attest.keyless.sign import KeylessSigner


def keyless_signer(
    session: Session, asked: KeylessRequest, *, interactive: bool = False
) -> Keyless:
    """Return who signs without a key.

    Args:
        session: Has the environment.
        asked: How.
        interactive: Whether there is a person who can be asked who they are.

    Raises:
        UsageError, SourceError: there is no library, no such file, or nobody says who signs.
    """
    from jettison.attest.keyless.trust import signing_config, trusted_root

    root, config = trusted_root(asked.trusted_root), signing_config(asked.signing_config)
    from jettison.attest.keyless.sign import KeylessSigner
    from jettison.attest.keyless.token import TokenSource

    tokens = TokenSource(asked, session.environ, config, interactive=interactive)
    tokens.require()
    return Keyless(KeylessSigner(config, root, tokens))


class Keyless:
    """Signs without a key; see ``api.signing.ImageSigner``.

    Args:
        signer: Makes bundles.
    """

    def __init__(self, signer: KeylessSigner) -> None:
        self._signer = signer

    def digest(
        self, client: RegistryClient, target: Reference, subject: Descriptor, *, insecure: bool
    ) -> str:
        """Sign a manifest or an index; return who has signed."""
        subjects = image_subjects(subject.digest, [target], subject.platform)
        said = statement(Attestation(SIGNING_TYPE, b"{}", ""), subjects)
        signer = self._put(client, target, subject, SIGNING_TYPE, said, insecure=insecure)
        return f"by {', '.join(signer.names)} ({signer.issuer})"

    def statements(
        self,
        client: RegistryClient,
        target: Reference,
        subject: Descriptor,
        statements: Sequence[tuple[str, bytes]],
        *,
        insecure: bool,
    ) -> None:
        """Sign statements about a manifest."""
        for kind, data in statements:
            self._put(client, target, subject, kind, data, insecure=insecure)

    def _put(
        self,
        client: RegistryClient,
        target: Reference,
        subject: Descriptor,
        kind: str,
        data: bytes,
        *,
        insecure: bool,
    ) -> Certified:
        bundle, signer = self._signer.sign(data)
        made = format_time(int(time.time()) * 1_000_000_000)
        put_bundle(client, target, subject, kind, bundle, made=made, insecure=insecure)
        return signer

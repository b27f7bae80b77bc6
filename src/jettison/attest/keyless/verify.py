"""What a bundle with a certificate proves of an image.

In:  a bundle from a registry, who must have signed it.
Out: ``Proof``.

sigstore's library checks the certificate with its chain and its entry in the log of certificates,
the time of the signature, the entry in the log of signatures with the proof that it is there, and
the signature; then whom the certificate is for is compared, and what the statement is about.

Security: bundles are hostile. Whatever error the library raises means that one proves nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from jettison.attest.keyless.bundle import read_bundle
from jettison.attest.keyless.identity import ExpectedSigner, certified
from jettison.attest.keyless.library import reason
from jettison.attest.verify import Proof, prove_statement
from jettison.errors import InvalidManifestError, JettisonError, VerificationError
from jettison.image.attestation import MEDIA_TYPE
from jettison.oci.digest import Digest

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from sigstore.models import TrustedRoot


class IdentityTrust:
    """Trust in an identity that a certificate names; see ``attest.verify.Trust``.

    Args:
        root: Which authority and which logs are trusted.
        expected: The identity.
    """

    def __init__(self, root: TrustedRoot, expected: ExpectedSigner) -> None:
        from sigstore.verify.verifier import Verifier

        self._verifier = Verifier(trusted_root=root)
        self._expected = expected

    @property
    def name(self) -> str:
        """Who that is."""
        return f"`{self._expected.identity or self._expected.identity_regexp}`"

    def signature(self, payload: bytes, signature: str, digest: Digest) -> Proof:
        """Refuse it: what cosign 2 puts under tags has no proof that it is in the log."""
        raise VerificationError(
            "a signature under a tag of cosign's is by a key, or of a form without proof of the log"
        )

    def attestation(self, envelope: bytes, digest: Digest) -> Proof:
        """Refuse it, as ``signature``."""
        return self.signature(envelope, "", digest)

    def bundle(self, data: bytes, digest: Digest) -> Proof:
        """Return what a bundle proves.

        Raises:
            VerificationError: nothing.
            InvalidManifestError: what is signed is no statement.
        """
        policy = _Policy(self._expected)
        try:
            bundle = read_bundle(data)
            kind, payload = self._verifier.verify_dsse(bundle, policy)
            found = certified(bundle.signing_certificate)
        except JettisonError:
            raise
        except Exception as error:
            raise VerificationError(f"a bundle of the image does not hold: {reason(error)}") from (
                error
            )
        if kind != MEDIA_TYPE:
            raise InvalidManifestError(f"a bundle holds `{kind[:200]}`, not `{MEDIA_TYPE}`")
        signer = ", ".join(found.names)
        proof = prove_statement(payload, digest, by=f"`{signer}`")
        return msgspec.structs.replace(proof, signer=signer, issuer=found.issuer)


class _Policy:
    """What the library asks about a certificate that holds."""

    def __init__(self, expected: ExpectedSigner) -> None:
        self._expected = expected

    def verify(self, cert: Certificate) -> None:
        self._expected.require(certified(cert))

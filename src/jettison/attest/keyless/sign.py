"""Signing without a key: Fulcio certifies a key for minutes, Rekor notes what it has signed.

In:  statements, a source of identity tokens.
Out: bundles of sigstore's, which hold as they are.

Security: services answer what they like: a bundle leaves here only once it has been verified with
the trusted root.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from jettison.attest.keyless.identity import Certified, certified
from jettison.attest.keyless.library import reason
from jettison.attest.keyless.token import TokenSource
from jettison.attest.keyless.transport import Clock, bounded
from jettison.errors import ExportError, JettisonError

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from sigstore._internal.timestamp import TimestampAuthorityClient
    from sigstore.models import SigningConfig, TrustedRoot
    from sigstore.sign import Signer, SigningContext


class KeylessSigner:
    """Signs statements, with one certificate as long as it holds.

    Args:
        config: Which services sign.
        root: What is trusted.
        tokens: Say who signs.
    """

    def __init__(self, config: SigningConfig, root: TrustedRoot, tokens: TokenSource) -> None:
        self._config = config
        self._root = root
        self._tokens = tokens
        self._signer: Signer | None = None

    def sign(self, statement: bytes) -> tuple[bytes, Certified]:
        """Return a bundle with a statement, and who has signed it.

        Raises:
            UsageError, SourceError: nobody says who signs.
            ExportError: a service refuses, does not answer, or answers what does not hold.
        """
        from sigstore._internal.fulcio import ExpiredCertificate
        from sigstore.dsse import Statement
        from sigstore.verify.verifier import Verifier

        try:
            made = Statement(statement)
            try:
                bundle = self._with_certificate().sign_dsse(made)
            except ExpiredCertificate:
                self._signer = None
                bundle = self._with_certificate().sign_dsse(made)
            Verifier(trusted_root=self._root).verify_dsse(bundle, _Anybody())
            return bundle.to_json().encode(), certified(bundle.signing_certificate)
        except JettisonError:
            raise
        except Exception as error:
            raise ExportError(
                f"cannot sign without a key: {reason(error)}",
                hint="check the services of --signing-config, and that --trusted-root has their"
                " keys",
            ) from error

    def _with_certificate(self) -> Signer:
        if self._signer is None:
            with self._context().signer(self._tokens.token()) as signer:
                self._signer = signer
        return self._signer

    def _context(self) -> SigningContext:
        from sigstore.sign import SigningContext

        fulcio = self._config.get_fulcio()
        rekor, *_ = self._config.get_tlogs()
        clocks = [Clock(each) for each in self._config.get_tsas()]
        bounded(fulcio.session)
        bounded(rekor._session)  # type: ignore[attr-defined]
        return SigningContext(
            fulcio=fulcio,
            rekor=rekor,
            trusted_root=self._root,
            tsa_clients=cast("list[TimestampAuthorityClient]", clocks),
        )


class _Anybody:
    """What the library asks about the certificate of a bundle that was made here."""

    def verify(self, cert: Certificate) -> None:
        certified(cert)

"""Who has signed: the identity and its issuer in a certificate, and who is expected.

In:  certificates of an authority, values of ``--certificate-identity`` and its like.
Out: ``Certified``; whether it is ``ExpectedSigner``.

Source: sigstore, "Fulcio certificate specification" and "Sigstore OID information": the identity is
the subject alternative name; the issuer an extension, as a DER string or, before, as plain bytes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from jettison.errors import UsageError, VerificationError

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

_ISSUER, _ISSUER_BEFORE = "1.3.6.1.4.1.57264.1.8", "1.3.6.1.4.1.57264.1.1"
_OTHER_NAME = "1.3.6.1.4.1.57264.1.7"
_MOST_TEXT = 200


class Certified(msgspec.Struct, frozen=True):
    """Whom a certificate is for.

    Args:
        names: Addresses, URIs and names: in certificates of Fulcio's there is one.
        issuer: URL of who vouches for it.
    """

    names: tuple[str, ...]
    issuer: str


class ExpectedSigner(msgspec.Struct, frozen=True):
    """Who must have signed: an identity, and who vouches for it.

    Args:
        identity: The identity as it is.
        identity_regexp: A pattern in its place, which may match anywhere in it.
        issuer: URL of the issuer as it is.
        issuer_regexp: A pattern in its place.

    Raises:
        UsageError: one of both is missing, given twice, or no pattern.
    """

    identity: str = ""
    identity_regexp: str = ""
    issuer: str = ""
    issuer_regexp: str = ""

    def __post_init__(self) -> None:
        _require_one("--certificate-identity", self.identity, self.identity_regexp)
        _require_one("--certificate-oidc-issuer", self.issuer, self.issuer_regexp)

    def require(self, found: Certified) -> None:
        """See that a certificate is for whom is expected.

        Raises:
            VerificationError: it is not.
        """
        if not any(_matches(self.identity, self.identity_regexp, name) for name in found.names):
            names = ", ".join(found.names)[:_MOST_TEXT] or "nobody"
            raise VerificationError(
                f"a bundle of the image is signed by `{names}`, not by"
                f" `{self.identity or self.identity_regexp}`"
            )
        if not _matches(self.issuer, self.issuer_regexp, found.issuer):
            raise VerificationError(
                f"a bundle of the image is signed by an identity of `{found.issuer[:_MOST_TEXT]}`,"
                f" not of `{self.issuer or self.issuer_regexp}`"
            )


def certified(certificate: Certificate) -> Certified:
    """Return whom a certificate is for.

    Raises:
        VerificationError: it says that in no way that is known.
    """
    from cryptography import x509
    from cryptography.hazmat import asn1

    extensions = certificate.extensions
    try:
        held = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        raise VerificationError("the certificate of a bundle names nobody") from None
    others = held.get_values_for_type(x509.OtherName)
    names = (
        *held.get_values_for_type(x509.RFC822Name),
        *held.get_values_for_type(x509.UniformResourceIdentifier),
        *(
            asn1.decode_der(str, each.value)
            for each in others
            if each.type_id.dotted_string == _OTHER_NAME
        ),
    )
    values = {
        each.oid.dotted_string: each.value.value
        for each in extensions
        if isinstance(each.value, x509.UnrecognizedExtension)
    }
    if _ISSUER in values:
        return Certified(names, asn1.decode_der(str, values[_ISSUER]))
    return Certified(names, values.get(_ISSUER_BEFORE, b"").decode())


def _matches(text: str, pattern: str, found: str) -> bool:
    if not found:
        return False
    return re.search(pattern, found) is not None if pattern else text == found


def _require_one(flag: str, text: str, pattern: str) -> None:
    if not text and not pattern:
        raise UsageError(
            f"without a key, verify needs {flag} or {flag}-regexp",
            hint="say who must have signed: both the identity and its issuer",
        )
    if text and pattern:
        raise UsageError(f"{flag} and {flag}-regexp say the same", hint="leave one of them out")
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise UsageError(f"{flag}-regexp `{pattern}` is no pattern: {error}") from error

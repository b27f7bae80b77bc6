"""Who is expected to have signed, and who has."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256

from jettison.attest.keyless.identity import Certified, ExpectedSigner, certified
from jettison.attest.keyless.library import reason
from jettison.errors import UsageError, VerificationError
from sigstore_rig import ISSUER, MARIA, Authority, _builder

BEFORE, NOW = "1.3.6.1.4.1.57264.1.1", "1.3.6.1.4.1.57264.1.8"


def certificate(*names: x509.GeneralName, **extensions: bytes) -> x509.Certificate:
    key = generate_private_key(SECP256R1())
    builder = _builder("", "fulcio", key.public_key(), timedelta(minutes=1))
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=True)
    for oid, value in extensions.items():
        number = {"before": BEFORE, "now": NOW}[oid]
        extension = x509.UnrecognizedExtension(x509.ObjectIdentifier(number), value)
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(key, SHA256())


def test_what_a_certificate_says() -> None:
    key = generate_private_key(SECP256R1()).public_key()
    made = Authority("a").certify(key, MARIA, ISSUER)
    assert certified(made) == Certified((MARIA,), ISSUER)
    mail, uri = x509.RFC822Name(MARIA), x509.UniformResourceIdentifier("spiffe://a/b")
    assert certified(certificate(mail, before=b"https://a")) == Certified((MARIA,), "https://a")
    both = certificate(uri, before=b"https://a", now=asn1.encode_der("https://b"))
    assert certified(both) == Certified(("spiffe://a/b",), "https://b")
    other = x509.OtherName(
        x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.7"), asn1.encode_der("maria!example.com")
    )
    assert certified(certificate(other, before=b"x")).names == ("maria!example.com",)
    strange = x509.OtherName(x509.ObjectIdentifier("1.2.3"), asn1.encode_der(MARIA))
    assert certified(certificate(strange)) == Certified((), "")


def test_a_certificate_that_names_nobody() -> None:
    with pytest.raises(VerificationError, match="names nobody"):
        certified(certificate())


def test_nobody_and_no_issuer_match_nothing() -> None:
    expected = ExpectedSigner(identity_regexp=".*", issuer_regexp=".*")
    expected.require(Certified(("a",), "b"))
    with pytest.raises(VerificationError, match="signed by `nobody`"):
        expected.require(Certified((), "b"))
    with pytest.raises(VerificationError, match="an identity of ``"):
        expected.require(Certified(("a",), ""))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "verify needs --certificate-identity or"),
        ({"identity": "a"}, "verify needs --certificate-oidc-issuer or"),
        ({"issuer": "a"}, "verify needs --certificate-identity or"),
        ({"identity": "a", "identity_regexp": "a", "issuer": "b"}, "say the same"),
        ({"identity": "a", "issuer": "b", "issuer_regexp": "b"}, "say the same"),
        ({"identity_regexp": "(", "issuer": "b"}, "is no pattern"),
        ({"identity_regexp": "(" * 5000, "issuer": "b"}, "is no pattern"),
        ({"identity_regexp": "a{99999999999}", "issuer": "b"}, "is no pattern"),
    ],
)
def test_who_is_expected_must_be_said(given: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ExpectedSigner(**given)


def test_what_errors_say_is_one_line() -> None:
    assert reason(ValueError("a\nb\x00")) == "a b\x00"
    assert reason(KeyError()) == "KeyError"
    assert len(reason(ValueError("x" * 10_000))) < 300
    wrapped = KeyError()
    wrapped.__cause__ = ValueError("inner")
    assert reason(wrapped) == "inner"

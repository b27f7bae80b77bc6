"""Keys that sign and verify: openssl's and cosign's."""

from __future__ import annotations

import sys

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, generate_private_key

from jettison.attest.keys import needs_password, private_key, public_key
from jettison.errors import UsageError
from unit.attest.signing_rig import cosign_pem, pair, private_pem, public_pem


@pytest.mark.parametrize(
    ("pem", "password"),
    [
        (private_pem(pair()), b""),
        (private_pem(pair(), b"pass"), b"pass"),
        (cosign_pem(pair(), b"pass"), b"pass"),
        (cosign_pem(pair(), b"pass").replace(b"SIGSTORE", b"COSIGN"), b"pass"),
        (cosign_pem(pair(), b""), b""),
    ],
    ids=["plain", "encrypted", "cosign", "older cosign", "cosign without a password"],
)
def test_what_one_signs_the_other_verifies(pem: bytes, password: bytes) -> None:
    key = private_key(pem, password, "k")
    public = public_key(public_pem(pair()), "k.pub")
    signature = key.sign(b"data")
    assert public.verify(signature, b"data")
    assert key.public().verify(signature, b"data")
    assert not public.verify(signature, b"other")
    assert not public.verify(b"no signature", b"data")
    assert not public_key(public_pem(pair("b")), "b").verify(signature, b"data")
    assert needs_password(pem) is (b"ENCRYPTED" in pem)


@pytest.mark.parametrize(
    ("pem", "message"),
    [
        (b"", "no private key"),
        (public_pem(pair()), "no private key"),
        (private_pem(pair(), b"pass"), "or the password is wrong"),
        (cosign_pem(pair(), b"pass"), "the password of `k` is wrong"),
        (cosign_pem(pair(), b"wrong", work=1 << 30), "not known"),
        (private_pem(generate_private_key(SECP384R1())), "P-256"),
    ],
    ids=["empty", "public", "encrypted", "cosign", "much work", "other curve"],
)
def test_what_is_no_such_key_is_an_error_without_the_password(pem: bytes, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        private_key(pem, b"wrong", "k")
    assert "wrong" not in caught.value.message.replace("is wrong", "")


@pytest.mark.parametrize(
    ("pem", "message"),
    [
        (b"nothing", "no public key"),
        (private_pem(pair()), "is a private key"),
        (public_pem(generate_private_key(SECP384R1())), "P-256"),
    ],
    ids=["none", "private", "other curve"],
)
def test_what_is_no_public_key_is_an_error(pem: bytes, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        public_key(pem, "k")


def test_without_the_library_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(UsageError, match="need the library `cryptography`") as caught:
        public_key(public_pem(pair()), "k")
    assert caught.value.hint == "install it: `pip install 'jettison[attest]'`"

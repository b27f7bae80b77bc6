"""Keys that sign and verify: ECDSA on P-256 with SHA-256, as cosign has them.

In:  PEM: private keys of openssl or cosign, public keys.
Out: ``PrivateKey``, ``PublicKey``.

Source: RFC 5915, 5958, 7468; go-securesystemslib, "encrypted" (how cosign keeps private keys).
Security: passwords are in no message. Key files are the user's; their parameters are bounded all
the same.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from jettison.attest.envelope import unbase64
from jettison.errors import UsageError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import (
        EllipticCurvePrivateKey,
        EllipticCurvePublicKey,
    )

_BOXED = re.compile(
    rb"-----BEGIN ENCRYPTED (SIGSTORE|COSIGN) PRIVATE KEY-----\s+(.*?)\s*-----END ENCRYPTED",
    re.DOTALL,
)
_ENCRYPTED = b"-----BEGIN ENCRYPTED"
MAX_KEY_BYTES = 64 << 10
_MOST_WORK = 1 << 20
"""Of scrypt: cosign has 65,536; with r = 8 that many take 64 MiB."""
_CURVE = "make one with `openssl ecparam -name prime256v1 -genkey -noout`, or with cosign"


class PublicKey:
    """Verifies signatures.

    Args:
        key: Of the library.
    """

    def __init__(self, key: EllipticCurvePublicKey) -> None:
        self._key = key

    def verify(self, signature: bytes, data: bytes) -> bool:
        """Tell whether a signature is one of some bytes by the private key of this one."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
        from cryptography.hazmat.primitives.hashes import SHA256

        try:
            self._key.verify(signature, data, ECDSA(SHA256()))
        except (InvalidSignature, ValueError):
            return False
        return True


class PrivateKey:
    """Signs.

    Args:
        key: Of the library.
    """

    def __init__(self, key: EllipticCurvePrivateKey) -> None:
        self._key = key

    def public(self) -> PublicKey:
        """Return the key that verifies what this one signs."""
        return PublicKey(self._key.public_key())

    def sign(self, data: bytes) -> bytes:
        """Return a signature of some bytes."""
        from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
        from cryptography.hazmat.primitives.hashes import SHA256

        return self._key.sign(data, ECDSA(SHA256()))


def needs_password(data: bytes) -> bool:
    """Tell whether a private key can be read with a password only."""
    return _ENCRYPTED in data or b"Proc-Type: 4,ENCRYPTED" in data


def private_key(data: bytes, password: bytes, name: str) -> PrivateKey:
    """Return the key that a PEM file holds.

    Args:
        data: The file.
        password: That it is encrypted with.
        name: Of the file, for messages.

    Raises:
        UsageError: it holds no such key, the password is wrong, or the library is not there.
    """
    require_library()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.serialization import load_der_private_key
    from cryptography.hazmat.primitives.serialization import load_pem_private_key as load

    boxed = _BOXED.search(data[:MAX_KEY_BYTES])
    try:
        if boxed is not None:
            key = load_der_private_key(_unboxed(boxed[2], password, name), None)
        else:
            key = load(data, password if needs_password(data) else None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        why = ", or the password is wrong" if needs_password(data) else ""
        raise UsageError(f"`{name}` is no private key{why}", hint=_CURVE) from error
    if not isinstance(key, EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
        raise UsageError(f"the key of `{name}` is not one of ECDSA on P-256", hint=_CURVE)
    return PrivateKey(key)


def public_key(data: bytes, name: str) -> PublicKey:
    """Return the key that a PEM file holds: a public one, that of a certificate, or of a pair.

    Args:
        data: The file.
        name: Of the file, for messages.

    Raises:
        UsageError: it holds no such key, or the library is not there.
    """
    require_library()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    if b"PRIVATE KEY-----" in data:
        raise UsageError(
            f"`{name}` is a private key: signatures are checked with the public one",
            hint="name the other file: `cosign.pub`, or `openssl pkey -in KEY -pubout`",
        )
    try:
        key = load_pem_public_key(data[:MAX_KEY_BYTES])
    except (ValueError, UnsupportedAlgorithm) as error:
        raise UsageError(f"`{name}` is no public key", hint="name a file such as cosign.pub") from (
            error
        )
    if not isinstance(key, EllipticCurvePublicKey) or key.curve.name != "secp256r1":
        raise UsageError(f"the key of `{name}` is not one of ECDSA on P-256", hint=_CURVE)
    return PublicKey(key)


def require_library() -> None:
    """See that keys can be used.

    Raises:
        UsageError: the library is not installed.
    """
    try:
        import cryptography  # noqa: F401
    except ImportError:
        raise UsageError(
            "signing and verifying need the library `cryptography`, which is not installed",
            hint="install it: `pip install 'jettison[attest]'`",
        ) from None


class _Params(msgspec.Struct, frozen=True):
    n: int = msgspec.field(name="N")
    r: int
    p: int


class _Derivation(msgspec.Struct, frozen=True):
    name: str
    params: _Params
    salt: str


class _Cipher(msgspec.Struct, frozen=True):
    name: str
    nonce: str


class _Boxed(msgspec.Struct, frozen=True):
    kdf: _Derivation
    cipher: _Cipher
    ciphertext: str


def _unboxed(text: bytes, password: bytes, name: str) -> bytes:
    """Return the key in a box of cosign's, as DER."""
    import hashlib

    from jettison.attest.secretbox import KEY_BYTES, open_box

    box = msgspec.json.decode(unbase64(b"".join(text.split()).decode()), type=_Boxed)
    params = box.kdf.params
    known = box.kdf.name == "scrypt" and box.cipher.name == "nacl/secretbox"
    if not known or not (1 < params.n <= _MOST_WORK and 0 < params.r <= 16 and 0 < params.p <= 4):
        raise UsageError(f"the key of `{name}` is encrypted in a way that is not known")
    key = hashlib.scrypt(
        password,
        salt=unbase64(box.kdf.salt),
        n=params.n,
        r=params.r,
        p=params.p,
        maxmem=256 * params.n * params.r,
        dklen=KEY_BYTES,
    )
    opened = open_box(unbase64(box.ciphertext), unbase64(box.cipher.nonce), key)
    if opened is None:
        raise UsageError(
            f"the password of `{name}` is wrong", hint="set it in the variable COSIGN_PASSWORD"
        )
    return opened

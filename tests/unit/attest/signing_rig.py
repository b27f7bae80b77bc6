"""Keys for tests, as openssl and cosign write them."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache

from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.poly1305 import Poly1305
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from jettison.attest.secretbox import _key_stream


@cache
def pair(_name: str = "a") -> EllipticCurvePrivateKey:
    return generate_private_key(SECP256R1())


def private_pem(key: EllipticCurvePrivateKey, password: bytes = b"") -> bytes:
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def public_pem(key: EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def cosign_pem(key: EllipticCurvePrivateKey, password: bytes, *, work: int = 1 << 12) -> bytes:
    """Return a private key in cosign's box."""
    der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    salt, nonce = bytes(range(32)), bytes(range(24))
    derived = hashlib.scrypt(password, salt=salt, n=1 << 12, r=8, p=1, dklen=32)
    stream = _key_stream(nonce, derived, 32 + len(der))
    sealed = bytes(one ^ other for one, other in zip(der, stream[32:], strict=True))
    tag = Poly1305.generate_tag(stream[:32], sealed)
    document = {
        "kdf": {
            "name": "scrypt",
            "params": {"N": work, "r": 8, "p": 1},
            "salt": base64.b64encode(salt).decode(),
        },
        "cipher": {"name": "nacl/secretbox", "nonce": base64.b64encode(nonce).decode()},
        "ciphertext": base64.b64encode(tag + sealed).decode(),
    }
    body = base64.encodebytes(json.dumps(document).encode())
    begin, end = (
        b"-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n",
        b"-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n",
    )
    return begin + body + end

"""Digests: ``algorithm:hex`` names of bytes.

In:  text from manifests, flags and file names.
Out: ``Digest``, a ``str`` that was checked.

Source: OCI image-spec 1.1, descriptor.md, "Digests".
"""

from __future__ import annotations

import hashlib
import re
from typing import NewType

from jettison.errors import DigestMismatchError, InvalidManifestError

Digest = NewType("Digest", str)

_SHAPES = {"sha256": re.compile(r"[0-9a-f]{64}"), "sha512": re.compile(r"[0-9a-f]{128}")}


def parse_digest(text: str) -> Digest:
    """Return the digest that a text is.

    Raises:
        InvalidManifestError: the text is no sha256 or sha512 digest.
    """
    algorithm, _, encoded = text.partition(":")
    shape = _SHAPES.get(algorithm)
    if shape is None or shape.fullmatch(encoded) is None:
        raise InvalidManifestError(f"`{text[:100]}` is not a sha256 or sha512 digest")
    return Digest(text)


def sha256_digest(data: bytes) -> Digest:
    """Return the sha256 digest of bytes.

    >>> sha256_digest(b"")[:19]
    'sha256:e3b0c44298fc'
    """
    return Digest("sha256:" + hashlib.sha256(data).hexdigest())


def encoded(digest: Digest) -> str:
    """Return the part after the colon."""
    return digest.partition(":")[2]


def raw(digest: Digest) -> bytes:
    """Return the bytes that the part after the colon stands for."""
    return bytes.fromhex(digest.partition(":")[2])


def short(digest: Digest) -> str:
    """Return the 12 characters that people see, as docker shows image IDs."""
    return encoded(digest)[:12]


def verify(data: bytes, digest: Digest) -> None:
    """Check bytes against a digest.

    Raises:
        DigestMismatchError: they have another one.
    """
    algorithm = digest.partition(":")[0]
    found = hashlib.new(algorithm, data).hexdigest()
    if found != encoded(digest):
        raise DigestMismatchError(
            f"expected `{digest}` but the bytes are `{algorithm}:{found}`",
            hint="try again; if it persists, the source or a proxy changes content",
        )

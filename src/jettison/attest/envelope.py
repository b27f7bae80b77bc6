"""DSSE: a statement with signatures of it.

In:  bytes with their type; signatures.
Out: the envelope as JSON; what an envelope holds, once a key has signed it.

Source: DSSE 1.0 (Dead Simple Signing Envelope), protocol and envelope.
Security: envelopes are hostile: what is in one is looked at only after its signature holds, and
counts only if it is of the type that is asked for.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable

import msgspec

from jettison.errors import InvalidManifestError
from jettison.image.attestation import MEDIA_TYPE
from jettison.image.referrers import MAX_STATEMENT_BYTES

ENVELOPE_TYPE = "application/vnd.dsse.envelope.v1+json"
MAX_ENVELOPE_BYTES = 2 * MAX_STATEMENT_BYTES
"""Base64 makes a third more of it."""
_MOST_SIGNATURES = 16

Verify = Callable[[bytes, bytes], bool]
"""Tells whether a signature is one of some bytes."""


class _Signature(msgspec.Struct, frozen=True):
    sig: str
    keyid: str = ""


class _Envelope(msgspec.Struct, frozen=True):
    payload_type: str = msgspec.field(name="payloadType")
    payload: str
    signatures: tuple[_Signature, ...]


def encode_envelope(payload: bytes, sign: Callable[[bytes], bytes]) -> bytes:
    """Return the envelope of a statement, signed."""
    signature = sign(signed_bytes(MEDIA_TYPE, payload))
    return msgspec.json.encode(
        _Envelope(
            MEDIA_TYPE,
            base64.b64encode(payload).decode(),
            (_Signature(base64.b64encode(signature).decode()),),
        )
    )


def open_envelope(data: bytes, verify: Verify) -> bytes | None:
    """Return the statement that an envelope holds; None if no signature of it holds.

    Args:
        data: The envelope.
        verify: Checks a signature.

    Raises:
        InvalidManifestError: it is no envelope, or one of something else.
    """
    if len(data) > MAX_ENVELOPE_BYTES:
        raise InvalidManifestError(
            f"an attestation of {len(data)} bytes is larger than {MAX_ENVELOPE_BYTES}"
        )
    try:
        envelope = msgspec.json.decode(data, type=_Envelope)
        payload = unbase64(envelope.payload)
        signatures = [unbase64(each.sig) for each in envelope.signatures]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise InvalidManifestError(f"an attestation is no signed envelope: {error}") from error
    if len(signatures) > _MOST_SIGNATURES:
        raise InvalidManifestError(f"an attestation has {len(signatures)} signatures")
    signed = signed_bytes(envelope.payload_type, payload)
    if not any(verify(each, signed) for each in signatures):
        return None
    if envelope.payload_type != MEDIA_TYPE:
        raise InvalidManifestError(
            f"a signed envelope holds `{envelope.payload_type[:200]}`, not `{MEDIA_TYPE}`"
        )
    return payload


def signed_bytes(kind: str, payload: bytes) -> bytes:
    """Return what is signed: type and payload, each behind its length.

    >>> signed_bytes("a/b", b"hello")
    b'DSSEv1 3 a/b 5 hello'
    """
    name = kind.encode()
    return b"DSSEv1 %d %s %d %s" % (len(name), name, len(payload), payload)


def unbase64(text: str) -> bytes:
    """Return the bytes of base64, either alphabet.

    Raises:
        ValueError: it is none.
    """
    try:
        return base64.b64decode(text.translate({45: "+", 95: "/"}), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise ValueError(f"not base64: {error}") from error

"""NaCl's secretbox, opened: the box that cosign keeps private keys in.

In:  a box, its nonce, its key.
Out: what is in it.

The library ``cryptography`` has Poly1305, and no XSalsa20. Keys are small: Python is fast enough.

Source: D. J. Bernstein, "Salsa20 specification", "Extending the Salsa20 nonce"; NaCl, secretbox.
"""

from __future__ import annotations

import struct
from itertools import count

KEY_BYTES, NONCE_BYTES, TAG_BYTES = 32, 24, 16
_SIGMA = (0x61707865, 0x3320646E, 0x79622D32, 0x6B206574)  # expand 32-byte k
_WORD = 0xFFFFFFFF
_QUARTERS = (
    *((0, 4, 8, 12), (5, 9, 13, 1), (10, 14, 2, 6), (15, 3, 7, 11)),
    *((0, 1, 2, 3), (5, 6, 7, 4), (10, 11, 8, 9), (15, 12, 13, 14)),
)


def open_box(box: bytes, nonce: bytes, key: bytes) -> bytes | None:
    """Return what is in a box; None if the key is not its own, or the box is damaged.

    Raises:
        ValueError: nonce or key have a wrong length.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.poly1305 import Poly1305

    if len(nonce) != NONCE_BYTES or len(key) != KEY_BYTES:
        raise ValueError("a nonce has 24 bytes, a key 32")
    tag, sealed = box[:TAG_BYTES], box[TAG_BYTES:]
    stream = _key_stream(nonce, key, 32 + len(sealed))
    try:
        Poly1305.verify_tag(stream[:32], sealed, tag)
    except (InvalidSignature, ValueError):
        return None
    return bytes(one ^ other for one, other in zip(sealed, stream[32:], strict=True))


def _key_stream(nonce: bytes, key: bytes, length: int) -> bytes:
    words = struct.unpack("<8I", key)
    first = _rounds(_state(words, struct.unpack("<4I", nonce[:16])))
    derived = tuple(first[each] for each in (0, 5, 10, 15, 6, 7, 8, 9))
    rest = struct.unpack("<2I", nonce[16:])
    stream = bytearray()
    for number in count():
        if len(stream) >= length:
            return bytes(stream[:length])
        state = _state(derived, (*rest, number & _WORD, number >> 32))
        mixed = _rounds(state)
        stream += struct.pack("<16I", *((a + b) & _WORD for a, b in zip(state, mixed, strict=True)))
    raise AssertionError


def _state(key: tuple[int, ...], block: tuple[int, ...]) -> list[int]:
    a, b, c, d = _SIGMA
    return [a, *key[:4], b, *block, c, *key[4:], d]


def _rounds(state: list[int]) -> list[int]:
    x = list(state)
    for _ in range(10):
        for a, b, c, d in _QUARTERS:
            x[b] ^= _rotated(x[a] + x[d], 7)
            x[c] ^= _rotated(x[b] + x[a], 9)
            x[d] ^= _rotated(x[c] + x[b], 13)
            x[a] ^= _rotated(x[d] + x[c], 18)
    return x


def _rotated(word: int, by: int) -> int:
    word &= _WORD
    return (word << by | word >> (32 - by)) & _WORD

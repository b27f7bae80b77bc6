"""Bundles of sigstore's as bytes, made ready for the library.

In:  JSON, as any of sigstore's programs writes it.
Out: the library's ``Bundle``.

Source: sigstore protobuf-specs, ``sigstore_bundle.proto``; protocol buffers, "ProtoJSON Format":
members that are zero or empty may be left out, and Go's programs do so. The library wants them, so
that it refuses the first entry of a log, whose index is 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from sigstore.models import Bundle

_MATERIAL, _ENTRIES, _PROOF = "verificationMaterial", "tlogEntries", "inclusionProof"
_IN_ENTRY = {"logIndex": "0"}
_IN_PROOF: dict[str, object] = {"logIndex": "0", "hashes": []}


def read_bundle(data: bytes) -> Bundle:
    """Return a bundle.

    Raises:
        Exception: it is none; of many kinds, see ``library.reason``.
    """
    from sigstore.models import Bundle

    return Bundle.from_json(with_zeros(data))


def with_zeros(data: bytes) -> bytes:
    """Return a bundle in which entries of logs have the members that are zero.

    >>> with_zeros(b'{"verificationMaterial":{"tlogEntries":[{"a":1}]},"b":[1]}')
    b'{"verificationMaterial":{"tlogEntries":[{"logIndex":"0","a":1}]},"b":[1]}'
    """
    whole = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
    if _MATERIAL not in whole:
        return data
    material = msgspec.json.decode(whole[_MATERIAL], type=dict[str, Any])
    entries = material.get(_ENTRIES)
    if not isinstance(entries, list):
        return data
    material[_ENTRIES] = [_entry(each) for each in entries]
    return msgspec.json.encode({**whole, _MATERIAL: material})


def _entry(found: object) -> object:
    if not isinstance(found, dict):
        return found
    made = {**_IN_ENTRY, **found}
    if isinstance(made.get(_PROOF), dict):
        made[_PROOF] = {**_IN_PROOF, **made[_PROOF]}
    return made

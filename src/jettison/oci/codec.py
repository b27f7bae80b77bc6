"""JSON of the OCI documents, both ways.

In:  bytes from registries and archives (hostile), structs.
Out: structs, or the bytes that are digested: sorted by the order of the fields, no white space.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

from jettison.errors import InvalidManifestError
from jettison.oci.config import ImageConfig
from jettison.oci.digest import parse_digest
from jettison.oci.manifest import Descriptor, Index, Manifest

MAX_DOCUMENT_BYTES = 4 << 20
"""Larger manifests, indexes and configs are refused (OCI distribution-spec: 4 MiB)."""

_T = TypeVar("_T", Manifest, Index, ImageConfig)


def encode(document: Manifest | Index | ImageConfig) -> bytes:
    """Return the JSON of a document; equal documents give equal bytes."""
    return msgspec.json.encode(document)


def decode(kind: type[_T], data: bytes) -> _T:
    """Return the document of a kind that JSON holds, with all digests checked.

    Raises:
        InvalidManifestError: too large, not JSON, or not of that shape.
    """
    if len(data) > MAX_DOCUMENT_BYTES:
        raise InvalidManifestError(
            f"document of {len(data)} bytes is larger than {MAX_DOCUMENT_BYTES}"
        )
    try:
        try:
            document = msgspec.json.decode(data, type=kind, strict=False)
        except msgspec.ValidationError:
            # Programs in Go write null for lists and maps that are empty.
            document = msgspec.convert(
                _without_nulls(msgspec.json.decode(data)), kind, strict=False
            )
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidManifestError(f"invalid {kind.__name__.lower()}: {error}") from error
    for descriptor in _descriptors(document):
        parse_digest(descriptor.digest)
        if descriptor.size < 0:
            raise InvalidManifestError(f"negative size of {descriptor.digest}")
    if isinstance(document, ImageConfig):
        for diff_id in document.rootfs.diff_ids:
            parse_digest(diff_id)
    return document


def _without_nulls(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_nulls(each) for key, each in value.items() if each is not None}
    if isinstance(value, list):
        return [_without_nulls(each) for each in value if each is not None]
    return value


def _descriptors(document: Manifest | Index | ImageConfig) -> tuple[Descriptor, ...]:
    match document:
        case Manifest():
            return (document.config, *document.layers)
        case Index():
            return document.manifests
        case ImageConfig():
            return ()

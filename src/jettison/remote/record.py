"""What a cache holds on the wire: records, answers, and packs of both.

In:  bytes from a registry, a directory, a bucket (hostile), or what a build has found out.
Out: ``Pack``, or its bytes.

A *record* says which layer a cache key stands for, and all that the keys of following steps need,
so that they are found without fetching the layer. An *answer* is what a selector picks from a root
file system (``cache.record.SelectionMemo``): the key of a COPY is made of two of them. Each is
bound to its key by being stored under it.

Format: MessagePack of ``_Stored``, compressed with zlib. Versions that cannot be read are skipped.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Collection, Mapping

import msgspec

from jettison.errors import InvalidManifestError
from jettison.oci.digest import Digest, parse_digest, raw, sha256_digest
from jettison.oci.manifest import Descriptor
from jettison.oci.mediatype import LAYER_COMPRESSION
from jettison.store.layer import LayerId, is_image_layer

RECORDS_TYPE = "application/vnd.jettison.cache.records.v1"
"""Media type of a pack: the config of a manifest whose layers are those that it names."""

VERSION = 1
MAX_PACK_BYTES = 16 << 20
"""Of a pack as it is stored, and eight times that uncompressed."""
MAX_ENTRIES = 1 << 17
"""Records and answers of a pack."""
_MAX_CHAIN = 64
"""Layers of a cache mount."""
_FILTERED = 1 << 13
_PREFIX = 3
_MAX_TIME = (1 << 63) - 1


class CacheRecord(msgspec.Struct, frozen=True, array_like=True):
    """Which layer a key stands for.

    Args:
        key: Raw digest.
        layer: Name of the layer: the digest of all that it holds.
        diff_id: Digest of its uncompressed tar.
        content: Content digest, by which steps on it are keyed.
        created_ns: When it was made, nanoseconds since the epoch.
        duration_ns: How long that took; 0 is unknown.
        clock_ns: Times of its files from here on say only when it was made.
        size_bytes: Bytes of its regular files.
        entries: Number of its entries.
        media_type: Of its blob.
        blob: Digest of the blob.
        blob_bytes: Size of the blob.
        name: What the step is called.
        used_s: When a build last had use for it, seconds since the epoch.
        origins: Name under which the origins of a COPY's files are kept, and they, if small.
    """

    key: bytes
    layer: LayerId
    diff_id: Digest
    content: str
    created_ns: int
    duration_ns: int
    clock_ns: int
    size_bytes: int
    entries: int
    media_type: str
    blob: Digest
    blob_bytes: int
    name: str = ""
    used_s: int = 0
    origins: tuple[str, bytes] | None = None

    @property
    def descriptor(self) -> Descriptor:
        """Descriptor of the blob."""
        return Descriptor(self.media_type, self.blob, self.blob_bytes)

    @property
    def blobs(self) -> dict[Digest, int]:
        """Bytes of its blob, by digest."""
        return {self.blob: self.blob_bytes}


class MountLayer(msgspec.Struct, frozen=True, array_like=True):
    """A layer of a cache mount: its blob, and the digest of the tar in it."""

    media_type: str
    blob: Digest
    blob_bytes: int
    diff_id: Digest

    @property
    def descriptor(self) -> Descriptor:
        """Descriptor of the blob."""
        return Descriptor(self.media_type, self.blob, self.blob_bytes)


class MountRecord(msgspec.Struct, frozen=True, array_like=True):
    """What there is of a cache mount.

    Args:
        key: Of its id (``remote.mounts``).
        layers: The first one first.
        replaced: Blobs of layers that one of these holds, too.
        used_s: When it was last written, seconds since the epoch.
    """

    key: bytes
    layers: tuple[MountLayer, ...]
    replaced: tuple[Digest, ...] = ()
    used_s: int = 0

    @property
    def blobs(self) -> dict[Digest, int]:
        """Bytes of its blobs, by digest."""
        return {each.blob: each.blob_bytes for each in self.layers}

    def over(self, older: MountRecord) -> MountRecord:
        """Return both chains as one: no layer of another machine is lost."""
        kept = [each for each in older.layers if each.blob not in self.replaced]
        known = {each.blob for each in kept}
        new = [each for each in self.layers if each.blob not in {*known, *older.replaced}]
        layers = (*kept, *new)[-_MAX_CHAIN:]
        replaced = tuple(dict.fromkeys((*self.replaced, *older.replaced)))[:_MAX_CHAIN]
        return MountRecord(self.key, layers, replaced, max(self.used_s, older.used_s))


class Pack(msgspec.Struct, frozen=True):
    """Records by raw key, answers by ``answer_key``, cache mounts by their key."""

    records: Mapping[bytes, CacheRecord] = {}
    answers: Mapping[bytes, bytes] = {}
    mounts: Mapping[bytes, MountRecord] = {}

    @property
    def keys(self) -> list[bytes]:
        """All keys in it."""
        return [*self.records, *self.answers, *self.mounts]

    @property
    def blobs(self) -> dict[Digest, Descriptor]:
        """The blobs of its records and mounts."""
        found = {each.blob: each.descriptor for each in self.records.values()}
        layers = (layer for each in self.mounts.values() for layer in each.layers)
        return {**found, **{layer.blob: layer.descriptor for layer in layers}}

    def over(self, older: Pack) -> Pack:
        """Return both as one; what is here holds, and cache mounts have the layers of both."""
        mounts = {**older.mounts, **self.mounts}
        for key in older.mounts.keys() & self.mounts.keys():
            mounts[key] = self.mounts[key].over(older.mounts[key])
        records = {**older.records, **self.records}
        return Pack(records, {**older.answers, **self.answers}, mounts)


class _Stored(msgspec.Struct, frozen=True, array_like=True):
    version: int
    records: list[CacheRecord]
    answers: list[tuple[bytes, bytes]]
    mounts: list[MountRecord] = []


_decoder = msgspec.msgpack.Decoder(_Stored)


def answer_key(stack: Digest, selector: Digest) -> bytes:
    """Return the key of an answer."""
    return raw(sha256_digest(f"jettison-answer-1\0{stack}\0{selector}".encode()))


def encode_pack(pack: Pack) -> bytes:
    """Return the bytes of a pack; equal packs give equal bytes."""
    records = [pack.records[key] for key in sorted(pack.records)]
    mounts = [pack.mounts[key] for key in sorted(pack.mounts)]
    stored = _Stored(VERSION, records, sorted(pack.answers.items()), mounts)
    return zlib.compress(msgspec.msgpack.encode(stored))


def decode_pack(data: bytes) -> Pack:
    """Return the pack that bytes are, every record checked.

    Raises:
        InvalidManifestError: they are too many, damaged, truncated, or of another version.
    """
    if len(data) > MAX_PACK_BYTES:
        raise InvalidManifestError(f"cache records of {len(data)} bytes are too large")
    try:
        expander = zlib.decompressobj()
        body = expander.decompress(data, 8 * MAX_PACK_BYTES)
        if not expander.eof:
            raise InvalidManifestError("cache records are truncated or too large")
        stored = _decoder.decode(body)
    except (zlib.error, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidManifestError(f"cache records are damaged: {error}") from error
    if stored.version != VERSION:
        raise InvalidManifestError(f"cache records of version {stored.version} are not known here")
    if len(stored.records) + len(stored.answers) > MAX_ENTRIES:
        raise InvalidManifestError("cache records are too many")
    for record in stored.records:
        _check(record)
    if any(len(key) != 32 or len(answer) != 32 for key, answer in stored.answers):
        raise InvalidManifestError("an answer in cache records is no digest")
    for mount in stored.mounts:
        _check_mount(mount)
    return Pack(
        {each.key: each for each in stored.records},
        dict(stored.answers),
        {each.key: each for each in stored.mounts},
    )


def _check(record: CacheRecord) -> None:
    kind, _, identity = record.layer.partition(":")
    digests = (identity, record.diff_id, record.content, record.blob)
    for each in digests:
        parse_digest(each)
    counts = (
        record.created_ns,
        record.duration_ns,
        record.size_bytes,
        record.entries,
        record.blob_bytes,
        record.used_s,
    )
    if (
        len(record.key) != 32
        or kind != "content"
        or is_image_layer(record.layer)
        or record.media_type not in LAYER_COMPRESSION
        or not all(0 <= each <= _MAX_TIME for each in counts)
        or not -_MAX_TIME <= record.clock_ns <= _MAX_TIME
    ):
        raise InvalidManifestError("a cache record is none")


def _check_mount(mount: MountRecord) -> None:
    digests = [digest for each in mount.layers for digest in (each.blob, each.diff_id)]
    for digest in (*mount.replaced, *digests):
        parse_digest(digest)
    if (
        len(mount.key) != 32
        or len(mount.layers) > _MAX_CHAIN
        or len(mount.replaced) > _MAX_CHAIN
        or any(each.media_type not in LAYER_COMPRESSION for each in mount.layers)
        or not all(0 <= each.blob_bytes <= _MAX_TIME for each in mount.layers)
        or not 0 <= mount.used_s <= _MAX_TIME
    ):
        raise InvalidManifestError("the record of a cache mount is none")


def key_filter(keys: Collection[bytes]) -> str:
    """Return a short text that tells of keys that a pack does not have them.

    It is the beginnings of the keys that it has; empty, for many, tells nothing.
    """
    if len(keys) > _FILTERED:
        return ""
    return base64.b64encode(b"".join(sorted({key[:_PREFIX] for key in keys}))).decode()


def read_filter(text: str) -> frozenset[bytes] | None:
    """Return the beginnings of keys that a filter has; None if it tells nothing."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    if not data:
        return None
    return frozenset(data[at : at + _PREFIX] for at in range(0, len(data), _PREFIX))


def may_hold(prefixes: frozenset[bytes] | None, key: bytes) -> bool:
    """Tell whether a pack may hold a key."""
    return prefixes is None or key[:_PREFIX] in prefixes

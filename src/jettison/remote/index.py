"""The index of a cache: which packs there are, and which keys each may have.

In:  an OCI image index from a registry or layout (hostile), packs to add.
Out: ``PackEntry``; the index with a pack more.

The index lists manifests, one a pack, newest first: its config are the records, its layers the
layers that these name, so that a registry keeps them. Beside each stands a filter of its keys and
where its records are, so that a key is looked up by reading the index and, if a filter has it, one
small blob; where no filter has it, nothing else is read. Small packs become one as they grow older,
so that there are few: the number grows with the logarithm of what was ever written.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Sequence

import msgspec

from jettison.errors import ContentError, InvalidManifestError, JettisonError
from jettison.oci.codec import MAX_DOCUMENT_BYTES, encode
from jettison.oci.digest import parse_digest, sha256_digest
from jettison.oci.manifest import Descriptor, Index, Manifest
from jettison.oci.mediatype import OCI_INDEX, OCI_MANIFEST
from jettison.remote.record import (
    MAX_ENTRIES,
    MAX_PACK_BYTES,
    RECORDS_TYPE,
    CacheRecord,
    MountRecord,
    Pack,
    encode_pack,
    key_filter,
    may_hold,
    read_filter,
)

CACHE_TYPE = "application/vnd.jettison.cache.v1"
"""Artifact type of the index of a cache."""
_RECORDS = "vnd.jettison.cache.records"
_RECORDS_BYTES = "vnd.jettison.cache.records-size"
_FILTER = "vnd.jettison.cache.filter"
_COUNT = "vnd.jettison.cache.entries"
_BLOB_BYTES = "vnd.jettison.cache.blob-size"
_CREATED = "vnd.jettison.cache.created"

MAX_PACKS = 64
_HALF = MAX_ENTRIES // 4
_MAX_LAYERS = 8000  # of a manifest, which is not to be larger than documents may be


class PackEntry(msgspec.Struct, frozen=True):
    """A pack as the index lists it.

    Args:
        manifest: Descriptor of its manifest, with all of this as annotations.
        records: Descriptor of its records.
        prefixes: Beginnings of its keys, None if any key may be in it.
        entries: How many records and answers it has.
        blob_bytes: Of the layers that its records name.
    """

    manifest: Descriptor
    records: Descriptor
    prefixes: frozenset[bytes] | None
    entries: int
    blob_bytes: int

    def may_hold(self, key: bytes) -> bool:
        """Tell whether the pack may have a key."""
        return may_hold(self.prefixes, key)


class MadePack(msgspec.Struct, frozen=True):
    """A pack to be written: its records and its manifest, and its entry in the index."""

    pack: Pack
    records: bytes
    manifest: bytes
    entry: PackEntry


def read_index(index: Index) -> list[PackEntry]:
    """Return the packs of an index, newest first; those that are malformed are left out.

    Raises:
        InvalidManifestError: it is not the index of a cache.
    """
    if index.artifact_type != CACHE_TYPE:
        raise InvalidManifestError("it is not the index of a build cache")
    found = (_entry(each) for each in index.manifests[:MAX_PACKS])
    return [each for each in found if each is not None]


def make_index(entries: Sequence[PackEntry]) -> tuple[Descriptor, bytes]:
    """Return the index of packs, and its descriptor."""
    index = Index(
        manifests=tuple(each.manifest for each in entries),
        media_type=OCI_INDEX,
        artifact_type=CACHE_TYPE,
    )
    data = encode(index)
    return Descriptor(OCI_INDEX, sha256_digest(data), len(data)), data


def make_pack(pack: Pack) -> MadePack:
    """Return what is to be written of a pack."""
    records = encode_pack(pack)
    config = Descriptor(RECORDS_TYPE, sha256_digest(records), len(records))
    blobs = pack.blobs
    manifest = encode(
        Manifest(config=config, layers=tuple(blobs.values()), media_type=OCI_MANIFEST)
    )
    blob_bytes = sum(each.size for each in blobs.values())
    notes = {
        _RECORDS: config.digest,
        _RECORDS_BYTES: str(config.size),
        _FILTER: key_filter(pack.keys),
        _COUNT: str(len(pack.keys)),
        _BLOB_BYTES: str(blob_bytes),
        _CREATED: str(int(time.time())),
    }
    descriptor = Descriptor(OCI_MANIFEST, sha256_digest(manifest), len(manifest), notes)
    entry = _entry(descriptor)
    if entry is None:
        raise AssertionError("a pack of ours is not read by ourselves")
    return MadePack(pack, records, manifest, entry)


def add_pack(
    new: Pack,
    entries: Sequence[PackEntry],
    load: Callable[[PackEntry], Pack],
    *,
    merge: bool = True,
) -> tuple[MadePack, list[PackEntry]]:
    """Return the pack to be written for what is new, and the entries of the index with it.

    Args:
        new: Records and answers.
        entries: Of the index as it is, newest first.
        load: Reads a pack; one that cannot be read is left out of the index.
        merge: Whether small packs may be taken into the new one.
    """
    rest = list(entries)
    pack, size = new, len(new.keys)
    while (
        merge
        and rest
        and rest[0].entries <= 2 * size
        and size + rest[0].entries <= _HALF
        and len(pack.records) + rest[0].entries <= _MAX_LAYERS
    ):
        try:
            pack = pack.over(load(rest[0]))
        except ContentError:
            pass  # nobody can read it
        except JettisonError:
            break
        rest.pop(0)
        size = len(pack.keys)
    made = make_pack(pack)
    return made, [made.entry, *rest][:MAX_PACKS]


def within(pack: Pack, max_bytes: int) -> Pack:
    """Return what was used last of a pack, whose blobs have at most some bytes.

    Of what was used in the same second the small comes first: a large layer must not push it out.
    """
    records: dict[bytes, CacheRecord] = {}
    mounts: dict[bytes, MountRecord] = {}
    seen: set[str] = set()
    total = 0
    found: list[CacheRecord | MountRecord] = [*pack.records.values(), *pack.mounts.values()]
    for each in sorted(found, key=lambda one: (-one.used_s, sum(one.blobs.values()))):
        blobs = each.blobs
        total += sum(size for blob, size in blobs.items() if blob not in seen)
        if total > max_bytes:
            break
        seen.update(blobs)
        if isinstance(each, MountRecord):
            mounts[each.key] = each
        else:
            records[each.key] = each
    return Pack(records, pack.answers, mounts)


def holds_all(entries: Collection[PackEntry], pack: Pack) -> bool:
    """Tell whether an index has all keys of a pack, as far as filters tell."""
    return all(any(entry.may_hold(key) for entry in entries) for key in pack.keys)


def total_bytes(entries: Iterable[PackEntry]) -> int:
    """Return the bytes of all layers; those that two packs name count twice."""
    return sum(each.blob_bytes for each in entries)


def _entry(descriptor: Descriptor) -> PackEntry | None:
    notes = descriptor.annotations
    try:
        digest = parse_digest(notes.get(_RECORDS, ""))
        size, count, blob_bytes = (
            int(notes.get(name, "")) for name in (_RECORDS_BYTES, _COUNT, _BLOB_BYTES)
        )
    except (InvalidManifestError, ValueError):
        return None
    if not (0 <= size <= MAX_PACK_BYTES and 0 <= count <= MAX_ENTRIES and blob_bytes >= 0):
        return None
    if descriptor.size > MAX_DOCUMENT_BYTES:
        return None
    return PackEntry(
        descriptor,
        Descriptor(RECORDS_TYPE, digest, size),
        read_filter(notes.get(_FILTER, "")),
        count,
        blob_bytes,
    )

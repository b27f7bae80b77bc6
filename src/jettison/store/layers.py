"""What is known about layers, wherever their bytes are.

In:  layer names with diff IDs, descriptors, sizes.
Out: ``Layer``: the same on request; facts outlive the files and blobs that they were found from.

On disk: tables ``layer``, ``packed`` and ``remote_layer``; claims are in ``store.claims``.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property

import msgspec

from jettison.oci.digest import Digest, parse_digest
from jettison.oci.manifest import Descriptor
from jettison.oci.mediatype import LAYER_COMPRESSION
from jettison.store.blobs import BlobStore
from jettison.store.claims import Claim, claim_of_tar, drop_claim, find_claim, keep_claim
from jettison.store.database import Database, Row
from jettison.store.layer import LayerId, StoredLayer, content_name, image_layer_id, is_image_layer

_descriptor = msgspec.msgpack.Decoder(Descriptor)
_stored = msgspec.msgpack.Decoder(tuple[StoredLayer, ...])
_READ_FIRST = {"none": 0, "zstd": 1, "gzip": 2}
"""Compressions, those first that cost least to read."""


class LayerFacts(msgspec.Struct, frozen=True):
    """Bytes of regular files (hard links once) and number of entries of a layer."""

    size_bytes: int
    entries: int


class Blob(msgspec.Struct, frozen=True):
    """A blob of a layer; ``source`` is where it can be had when the store does not have it."""

    descriptor: Descriptor
    source: str = ""


class _Row(msgspec.Struct, frozen=True):
    """A row of the table ``layer``."""

    diff_id: Digest | None = None
    size_bytes: int | None = None
    entries: int | None = None
    content: str | None = None


class Layer(msgspec.Struct, frozen=True, dict=True):
    """A layer, as far as the store knows it.

    A fact is looked up when it is first asked for, and stays what it was then: who changes
    something finds the layer anew. What is not known yet is made by ``image.layers``.

    Args:
        id: Its name.
        database: Has the facts.
        here: Blobs of the store: one counts only while it is here.
    """

    id: LayerId
    database: Database
    here: BlobStore

    @property
    def is_given(self) -> bool:
        """Whether it came with an image from elsewhere, so that its tar is given.

        No for one of ours with other times (``image.rewrite``), which is packed like any other.
        """
        return is_image_layer(self.id) and not self._row.content

    @property
    def diff_id(self) -> Digest | None:
        """The digest of its uncompressed tar; None when it was never packed."""
        if is_image_layer(self.id):
            return parse_digest(self.id.partition(":")[2])
        return self._row.diff_id or (self.claim.diff_id if self.claim is not None else None)

    @property
    def facts(self) -> LayerFacts | None:
        """Its size, if it once was here as files."""
        row, claim = self._row, self.claim
        if row.size_bytes is not None and row.entries is not None:
            return LayerFacts(row.size_bytes, row.entries)
        return LayerFacts(claim.size_bytes, claim.entries) if claim is not None else None

    @property
    def content(self) -> str:
        """By what it enters the keys of steps on it.

        That is its content digest, or its diff ID where there is none: for a layer of an image
        from elsewhere, and one that was made by a version which knew no content digests.
        """
        if is_image_layer(self.id):
            return self.id
        row = self._row
        if row.content or self.claim is not None:
            return content_name(row.content or (self.claim.content if self.claim else ""))
        return self.id if row.diff_id is None else image_layer_id(row.diff_id)

    @cached_property
    def blobs(self) -> Mapping[str, Descriptor]:
        """Its blobs that are here, by ``packed_name``, those first that cost least to read."""
        rows = self.database.query(
            "SELECT compression, descriptor FROM packed WHERE layer = ? ORDER BY compression",
            (self.id,),
        )
        if not rows or self.diff_id is None:
            return {}
        found = [(name, _descriptor.decode(data)) for name, data in rows]
        found.sort(key=lambda each: _READ_FIRST.get(each[0].partition(":")[0], 3))
        return {name: blob for name, blob in found if self.here.has(blob.digest)}

    @cached_property
    def remote(self) -> Blob | None:
        """Its blob elsewhere, and the reference to pull it from."""
        rows = self.database.query(
            "SELECT descriptor, source FROM remote_layer WHERE layer = ?", (self.id,)
        )
        if rows:
            return Blob(_descriptor.decode(rows[0][0]), rows[0][1])
        claim = self.claim
        if is_image_layer(self.id) and self.diff_id is not None:
            claim = claim_of_tar(self.database, self.diff_id)
        return Blob(claim.descriptor, claim.source) if claim is not None else None

    @cached_property
    def claim(self) -> Claim | None:
        """What a build cache elsewhere says of it, unless it contradicts what is known."""
        if is_image_layer(self.id):
            return None
        found, row = find_claim(self.database, self.id), self._row
        if found is None or (row.diff_id or found.diff_id) != found.diff_id:
            return None
        return found if (row.content or found.content) == found.content else None

    @property
    def blob(self) -> Blob | None:
        """A blob of it to read, one that is here if possible; None if none is known."""
        for descriptor in self.blobs.values():
            return Blob(descriptor)
        return self.remote

    @property
    def blob_bytes(self) -> int:
        """Size of its blob, be it here or where it can be pulled from; 0 if unknown."""
        rows = self.database.query(
            "SELECT descriptor FROM packed WHERE layer = ?1"
            " UNION ALL SELECT descriptor FROM remote_layer WHERE layer = ?1 LIMIT 1",
            (self.id,),
        )
        found = rows[0][0] if rows else None
        return _descriptor.decode(found).size if found is not None else 0

    @cached_property
    def _row(self) -> _Row:
        rows = self.database.query(
            "SELECT diff_id, size_bytes, entries, content FROM layer WHERE id = ?", (self.id,)
        )
        return _Row(*rows[0]) if rows else _Row()


def packed_name(compression: str, level: int | None) -> str:
    """Return under which name a blob that was packed here is noted.

    Until a level is named, the default of the version at hand made it.
    """
    return compression if level is None or compression == "none" else f"{compression}:{level}"


class LayerIndex:
    """Finds layers, and keeps what is learned about them; thread-safe.

    Args:
        database: The store's.
        blobs: The store's.
    """

    def __init__(self, database: Database, blobs: BlobStore) -> None:
        self._database = database
        self._blobs = blobs

    def find(self, layer: LayerId) -> Layer:
        """Return a layer by its name; nothing may be known about it."""
        return Layer(layer, self._database, self._blobs)

    def named(self, diff_id: Digest) -> LayerId:
        """Return the name of an image's layer: that of the change made here, if it was."""
        rows = self._database.query(
            "SELECT id FROM layer WHERE diff_id = ? AND id NOT LIKE 'diff:%'"
            " AND id NOT IN (SELECT layer FROM claimed_layer) ORDER BY id LIMIT 1",
            (diff_id,),
        )
        return LayerId(rows[0][0]) if rows else image_layer_id(diff_id)

    def set_diff_id(self, layer: LayerId, diff_id: Digest) -> None:
        """Keep the digest of a layer's uncompressed tar."""
        self._database.execute(
            "INSERT INTO layer (id, diff_id, used_ns) VALUES (?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET diff_id = excluded.diff_id,"
            " used_ns = excluded.used_ns",
            (layer, diff_id, time.time_ns()),
        )

    def sizes(self, layers: Iterable[LayerId]) -> dict[LayerId, int]:
        """Return the bytes of the regular files of many layers, as a rule in one query.

        A layer that was never here as files counts by the size of its blob; one of which nothing
        is known is left out.
        """
        wanted = list(dict.fromkeys(layers))
        names = msgspec.json.encode(wanted).decode()
        rows = self._database.query(
            "SELECT id, size_bytes FROM layer WHERE size_bytes IS NOT NULL"
            " AND id IN (SELECT value FROM json_each(?))",
            (names,),
        )
        found = {LayerId(layer): size for layer, size in rows}
        for layer in wanted:
            packed = 0 if layer in found else self.find(layer).blob_bytes
            if packed:
                found[layer] = packed
        return found

    def set_facts(self, layer: LayerId, facts: LayerFacts, content: str = "") -> None:
        """Keep the size of a layer, and its content digest if it has one."""
        self._database.execute(
            "INSERT INTO layer (id, size_bytes, entries, content, used_ns) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET size_bytes = excluded.size_bytes,"
            " entries = excluded.entries, content = excluded.content, used_ns = excluded.used_ns",
            (layer, facts.size_bytes, facts.entries, content, time.time_ns()),
        )

    def add_blob(
        self, layer: LayerId, diff_id: Digest, descriptor: Descriptor, name: str = ""
    ) -> None:
        """Keep that a layer is here as a blob, and its diff ID.

        Args:
            layer: Its name.
            diff_id: Digest of the tar in the blob.
            descriptor: Of the blob.
            name: See ``packed_name``; empty for a blob that was not made here.
        """
        with self._database.transaction():
            self.set_diff_id(layer, diff_id)
            self._database.execute(
                "INSERT OR REPLACE INTO packed VALUES (?, ?, ?)",
                (
                    layer,
                    name or LAYER_COMPRESSION[descriptor.media_type],
                    msgspec.msgpack.encode(descriptor),
                ),
            )

    def add_remote(self, layer: LayerId, descriptor: Descriptor, source: str) -> None:
        """Keep where a layer can be pulled from; the last source wins."""
        self._database.execute(
            "INSERT OR REPLACE INTO remote_layer VALUES (?, ?, ?)",
            (layer, msgspec.msgpack.encode(descriptor), source),
        )

    @contextmanager
    def at_source(self, blobs: Mapping[LayerId, Descriptor], source: str) -> Iterator[None]:
        """Let layers be fetched from somewhere while a block runs.

        Afterwards each has the source that it had before, unless it got another one meanwhile;
        one that had none keeps it only if an image has the layer.
        """
        before: dict[LayerId, list[Row]] = {}
        with self._database.transaction():
            for layer, descriptor in blobs.items():
                before[layer] = self._remote_rows(layer)
                self.add_remote(layer, descriptor, source)
        try:
            yield
        finally:
            with self._database.transaction():
                rows = self._database.query("SELECT layers FROM image")
                of_images = {each.layer for (data,) in rows for each in _stored.decode(data)}
                for layer, descriptor in blobs.items():
                    ours = [(msgspec.msgpack.encode(descriptor), source)]
                    if self._remote_rows(layer) != ours or before[layer] == ours:
                        continue
                    if before[layer]:
                        data, place = before[layer][0]
                        self.add_remote(layer, _descriptor.decode(data), place)
                    elif layer not in of_images:
                        self._database.execute("DELETE FROM remote_layer WHERE layer = ?", (layer,))

    def _remote_rows(self, layer: LayerId) -> list[Row]:
        return self._database.query(
            "SELECT descriptor, source FROM remote_layer WHERE layer = ?", (layer,)
        )

    def claim(self, claim: Claim) -> None:
        """Keep what a build cache says of a layer, until its files are here."""
        keep_claim(self._database, claim)

    def confirm(self, layer: LayerId) -> None:
        """Take note that the files of a claimed layer are here, and are what its name says."""
        drop_claim(self._database, layer)

    def drop_remote(self, layer: LayerId) -> None:
        """Forget where a layer can be pulled from: it is not there, or it is another one."""
        with self._database.transaction():
            self._database.execute("DELETE FROM remote_layer WHERE layer = ?", (layer,))
            drop_claim(self._database, layer)

    def forget(self, layer: LayerId) -> None:
        """Forget everything about a layer."""
        with self._database.transaction():
            self._database.execute("DELETE FROM layer WHERE id = ?", (layer,))
            self._database.execute("DELETE FROM packed WHERE layer = ?", (layer,))
            self._database.execute("DELETE FROM remote_layer WHERE layer = ?", (layer,))
            drop_claim(self._database, layer)

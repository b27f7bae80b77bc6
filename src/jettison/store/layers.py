"""What is known about layers, wherever their bytes are.

In:  layer names with diff IDs, descriptors, sizes.
Out: the same on request; facts outlive the files and blobs that they were found from.

On disk: tables ``layer``, ``packed`` and ``remote_layer``.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

import msgspec

from jettison.oci.digest import Digest, parse_digest
from jettison.oci.manifest import Descriptor
from jettison.store.blobs import BlobStore
from jettison.store.database import Database
from jettison.store.layer import LayerId, PackedLayer, content_name, image_layer_id

_descriptor = msgspec.msgpack.Decoder(Descriptor)
_IMAGE_LAYER = "diff:"


class LayerFacts(msgspec.Struct, frozen=True):
    """Bytes of regular files (hard links once) and number of entries of a layer."""

    size_bytes: int
    entries: int


class LayerIndex:
    """Facts of layers; thread-safe.

    Args:
        database: The store's.
        blobs: The store's: a packed layer counts only while its blob is here.
    """

    def __init__(self, database: Database, blobs: BlobStore) -> None:
        self._database = database
        self._blobs = blobs

    def diff_id(self, layer: LayerId) -> Digest | None:
        """Return the digest of a layer's uncompressed tar, or None when it was never packed."""
        if layer.startswith(_IMAGE_LAYER):
            return parse_digest(layer.removeprefix(_IMAGE_LAYER))
        rows = self._database.query("SELECT diff_id FROM layer WHERE id = ?", (layer,))
        return Digest(rows[0][0]) if rows and rows[0][0] is not None else None

    def named(self, diff_id: Digest) -> LayerId:
        """Return the name of an image's layer: that of the change made here, if it was."""
        rows = self._database.query(
            "SELECT id FROM layer WHERE diff_id = ? AND id NOT LIKE 'diff:%' ORDER BY id LIMIT 1",
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

    def facts(self, layer: LayerId) -> LayerFacts | None:
        """Return the size of a layer that once was here as files, or None."""
        rows = self._database.query("SELECT size_bytes, entries FROM layer WHERE id = ?", (layer,))
        if not rows or rows[0][0] is None:
            return None
        return LayerFacts(size_bytes=rows[0][0], entries=rows[0][1])

    def sizes(self, layers: Iterable[LayerId]) -> dict[LayerId, int]:
        """Return the bytes of those of many layers whose facts are known, in one query."""
        names = msgspec.json.encode(list(dict.fromkeys(layers))).decode()
        rows = self._database.query(
            "SELECT id, size_bytes FROM layer WHERE size_bytes IS NOT NULL"
            " AND id IN (SELECT value FROM json_each(?))",
            (names,),
        )
        return {LayerId(layer): size for layer, size in rows}

    def stored_size(self, layer: LayerId) -> int:
        """Return the bytes of a layer's blob, here or where it can be pulled from; 0 if unknown."""
        rows = self._database.query(
            "SELECT descriptor FROM packed WHERE layer = ?1"
            " UNION ALL SELECT descriptor FROM remote_layer WHERE layer = ?1 LIMIT 1",
            (layer,),
        )
        found = rows[0][0] if rows else None
        return _descriptor.decode(found).size if found is not None else 0

    def set_facts(self, layer: LayerId, facts: LayerFacts, content: str = "") -> None:
        """Keep the size of a layer, and its content digest if it has one."""
        self._database.execute(
            "INSERT INTO layer (id, size_bytes, entries, content, used_ns) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET size_bytes = excluded.size_bytes,"
            " entries = excluded.entries, content = excluded.content, used_ns = excluded.used_ns",
            (layer, facts.size_bytes, facts.entries, content, time.time_ns()),
        )

    def was_rewritten(self, layer: LayerId) -> bool:
        """Tell whether an image's layer is one of ours with other times (``image.rewrite``)."""
        rows = self._database.query("SELECT content FROM layer WHERE id = ?", (layer,))
        return bool(rows and rows[0][0])

    def content(self, layer: LayerId) -> str:
        """Return by what a layer enters the keys of steps on it.

        That is its content digest, or its diff ID where there is none: for a layer of an image
        from elsewhere, and one that was made by a version which knew no content digests.
        """
        if layer.startswith(_IMAGE_LAYER):
            return layer
        rows = self._database.query("SELECT content, diff_id FROM layer WHERE id = ?", (layer,))
        content, diff_id = rows[0] if rows else ("", None)
        if content:
            return content_name(content)
        return layer if diff_id is None else image_layer_id(Digest(diff_id))

    def packed(self, layer: LayerId, compression: str) -> PackedLayer | None:
        """Return a layer as a blob that is here.

        Args:
            layer: Its name.
            compression: As it was added: ``none``, ``gzip``, ``zstd``, perhaps with a level.
        """
        rows = self._database.query(
            "SELECT descriptor FROM packed WHERE layer = ? AND compression = ?",
            (layer, compression),
        )
        if not rows:
            return None
        descriptor = _descriptor.decode(rows[0][0])
        diff_id = self.diff_id(layer)
        if diff_id is None or not self._blobs.has(descriptor.digest):
            return None
        return PackedLayer(layer=layer, diff_id=diff_id, descriptor=descriptor)

    def packed_any(self, layer: LayerId) -> dict[str, PackedLayer]:
        """Return all blobs that a layer has here, by compression."""
        rows = self._database.query(
            "SELECT compression FROM packed WHERE layer = ? ORDER BY compression", (layer,)
        )
        found = ((name, self.packed(layer, name)) for (name,) in rows)
        return {name: packed for name, packed in found if packed is not None}

    def add_packed(self, packed: PackedLayer, compression: str) -> None:
        """Keep that a layer is here as a blob, and its diff ID."""
        with self._database.transaction():
            self.set_diff_id(packed.layer, packed.diff_id)
            self._database.execute(
                "INSERT OR REPLACE INTO packed VALUES (?, ?, ?)",
                (packed.layer, compression, msgspec.msgpack.encode(packed.descriptor)),
            )

    def remote(self, layer: LayerId) -> tuple[Descriptor, str] | None:
        """Return the blob that a layer is elsewhere, and the reference to pull it from."""
        rows = self._database.query(
            "SELECT descriptor, source FROM remote_layer WHERE layer = ?", (layer,)
        )
        return (_descriptor.decode(rows[0][0]), rows[0][1]) if rows else None

    def add_remote(self, layer: LayerId, descriptor: Descriptor, source: str) -> None:
        """Keep where a layer can be pulled from; the last source wins."""
        self._database.execute(
            "INSERT OR REPLACE INTO remote_layer VALUES (?, ?, ?)",
            (layer, msgspec.msgpack.encode(descriptor), source),
        )

    def drop_remote(self, layer: LayerId) -> None:
        """Forget where a layer can be pulled from: it is not there, or it is another one."""
        self._database.execute("DELETE FROM remote_layer WHERE layer = ?", (layer,))

    def forget(self, layer: LayerId) -> None:
        """Forget everything about a layer."""
        with self._database.transaction():
            self._database.execute("DELETE FROM layer WHERE id = ?", (layer,))
            self._database.execute("DELETE FROM packed WHERE layer = ?", (layer,))
            self._database.execute("DELETE FROM remote_layer WHERE layer = ?", (layer,))

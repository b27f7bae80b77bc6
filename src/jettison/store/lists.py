"""Manifest lists of a store: indexes under a name, whose images need not be here.

In:  normalised references, bytes of indexes.
Out: the same by name.

A list is what ``manifest create`` makes, and what a copy of a whole index leaves here. When a name
gets an image (``store.images``), its list is forgotten.

On disk: table ``manifest_list``; manifests that a list names are blobs, which prune leaves alone.
"""

from __future__ import annotations

import msgspec

from jettison.oci.digest import Digest
from jettison.store.database import Database


class StoredList(msgspec.Struct, frozen=True):
    """An index.

    Args:
        data: Its bytes.
        media_type: OCI's or docker's.
        sources: Digests of manifests to the references of images in registries that have what they
            name; what is not there is in the store.
        names: What images were added by, with their digests.
    """

    data: bytes
    media_type: str
    sources: dict[Digest, str] = {}
    names: dict[str, Digest] = {}


_decoder = msgspec.msgpack.Decoder(StoredList)


class ManifestLists:
    """Lists by name; thread-safe.

    Args:
        database: The store's.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, name: str) -> StoredList | None:
        """Return the list of a name."""
        rows = self._database.query("SELECT content FROM manifest_list WHERE name = ?", (name,))
        return _decoder.decode(rows[0][0]) if rows else None

    def put(self, name: str, made: StoredList) -> None:
        """Keep a list under a name, in place of the one that had it."""
        row = (name, msgspec.msgpack.encode(made))
        self._database.execute("INSERT OR REPLACE INTO manifest_list VALUES (?, ?)", row)

    def remove(self, name: str) -> bool:
        """Forget a list; return whether it was there."""
        return bool(self._database.execute("DELETE FROM manifest_list WHERE name = ?", (name,)))

    def all(self) -> dict[str, StoredList]:
        """Return all lists by name, sorted."""
        rows = self._database.query("SELECT name, content FROM manifest_list ORDER BY name")
        return {name: _decoder.decode(content) for name, content in rows}

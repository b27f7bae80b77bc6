"""Images of a store and their names.

In:  ``StoredImage`` values, normalised references.
Out: the same by image ID, by name, by a prefix of the ID.

A name points at one image, which is what it stands for on this machine, and may stand for images
for other platforms beside it: what a build of several made, which is pushed as an index.

On disk: tables ``image``, ``tag``, ``platform_tag`` and ``resolved``; ``index.json`` of the store
lists every named image that has a manifest, so that other tools can read the store as an OCI image
layout. It is derived from the tables and is written inside the transaction that changes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from jettison.fs.atomic import write_atomically
from jettison.fs.os_errors import storage_errors
from jettison.oci.codec import encode
from jettison.oci.digest import Digest
from jettison.oci.layout import REF_NAME
from jettison.oci.manifest import Descriptor, Index
from jettison.oci.mediatype import OCI_INDEX
from jettison.store.database import Database, Row
from jettison.store.image import StoredImage
from jettison.store.layer import StoredLayer
from jettison.store.staging import Staging

_COLUMNS = "id, config, layers, manifest, source, created_ns"
_layers = msgspec.msgpack.Decoder(tuple[StoredLayer, ...])
_descriptor = msgspec.msgpack.Decoder(Descriptor)


class ImageIndex:
    """Images and names; thread-safe.

    Args:
        database: The store's.
        index_path: ``index.json`` of the store.
        staging: Where it is written before it is renamed: a kill leaves nothing beside it.
    """

    def __init__(self, database: Database, index_path: Path, staging: Staging) -> None:
        self._database = database
        self._index_path = index_path
        self._staging = staging

    def add(self, image: StoredImage) -> None:
        """Keep an image.

        An image that is here already gets the new facts, but keeps a manifest and a source that
        the new ones lack, and the time at which it came.
        """
        manifest = None if image.manifest is None else msgspec.msgpack.encode(image.manifest)
        row = (
            image.id,
            image.config,
            msgspec.msgpack.encode(image.layers),
            manifest,
            image.source,
            image.created_ns,
        )
        with self._database.transaction():
            self._database.execute(
                f"INSERT INTO image ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)"  # noqa: S608
                " ON CONFLICT (id) DO UPDATE SET config = excluded.config,"
                " layers = excluded.layers, manifest = coalesce(excluded.manifest, manifest),"
                " source = CASE excluded.source WHEN '' THEN source ELSE excluded.source END",
                row,
            )
            if manifest is not None and self.tags_of(image.id):
                self._write_index()

    def get(self, image_id: Digest) -> StoredImage | None:
        """Return an image by its ID."""
        return self._one(f"SELECT {_COLUMNS} FROM image WHERE id = ?", image_id)  # noqa: S608

    def lookup(self, name: str) -> StoredImage | None:
        """Return the image that a name points at."""
        return self._one(
            f"SELECT {_COLUMNS} FROM image JOIN tag ON tag.image = image.id"  # noqa: S608
            " WHERE tag.name = ?",
            name,
        )

    def named(self, name: str) -> list[StoredImage]:
        """Return all images that a name stands for, in the order in which they were named."""
        main = self.lookup(name)
        if main is None:
            return []
        rows = self._database.query(
            f"SELECT {_COLUMNS} FROM image JOIN platform_tag ON platform_tag.image = image.id"  # noqa: S608
            " WHERE platform_tag.name = ? ORDER BY platform_tag.position",
            (name,),
        )
        return [_image(row) for row in rows] or [main]

    def find(self, prefix: str) -> list[StoredImage]:
        """Return the images whose ID begins so, with or without ``sha256:``.

        A caller that wants one image says what is wrong when there are none or several.
        """
        text = prefix if ":" in prefix else f"sha256:{prefix}"
        rows = self._database.query(
            f"SELECT {_COLUMNS} FROM image WHERE substr(id, 1, ?) = ? ORDER BY id",  # noqa: S608
            (len(text), text),
        )
        return [_image(row) for row in rows]

    def all(self) -> list[StoredImage]:
        """Return all images, newest first."""
        rows = self._database.query(
            f"SELECT {_COLUMNS} FROM image ORDER BY created_ns DESC, id"  # noqa: S608
        )
        return [_image(row) for row in rows]

    def remove(self, image_id: Digest) -> None:
        """Forget an image and all its names; its layers and blobs stay until they are pruned."""
        with self._database.transaction():
            self._database.execute(
                "DELETE FROM manifest_list WHERE name IN (SELECT name FROM tag WHERE image = ?)",
                (image_id,),
            )
            named = self._database.execute("DELETE FROM tag WHERE image = ?", (image_id,))
            self._database.execute("DELETE FROM platform_tag WHERE image = ?", (image_id,))
            if named:
                self._database.execute(
                    "DELETE FROM platform_tag WHERE name NOT IN (SELECT name FROM tag)"
                )
            self._database.execute("DELETE FROM image WHERE id = ?", (image_id,))
            self._database.execute("DELETE FROM build WHERE image = ?", (image_id,))
            if named:
                self._write_index()

    def tag(self, name: str, image_id: Digest, platforms: Sequence[Digest] = ()) -> None:
        """Let a name point at an image; it may have pointed at another.

        Args:
            name: It.
            image_id: What it stands for on this machine.
            platforms: All that it stands for, in order, if these are several.
        """
        several = tuple(platforms) if len(platforms) > 1 else ()
        with self._database.transaction():
            rows = self._database.query("SELECT image FROM tag WHERE name = ?", (name,))
            before = self._database.query(
                "SELECT image FROM platform_tag WHERE name = ? ORDER BY position", (name,)
            )
            if rows == [(image_id,)] and before == [(each,) for each in several]:
                self._database.execute("DELETE FROM manifest_list WHERE name = ?", (name,))
                return
            self._database.execute("INSERT OR REPLACE INTO tag VALUES (?, ?)", (name, image_id))
            self._database.execute("DELETE FROM manifest_list WHERE name = ?", (name,))
            self._database.execute("DELETE FROM platform_tag WHERE name = ?", (name,))
            for position, each in enumerate(several):
                self._database.execute(
                    "INSERT INTO platform_tag VALUES (?, ?, ?)", (name, position, each)
                )
            self._write_index()

    def untag(self, name: str) -> bool:
        """Forget a name; return whether it was there. Its images stay."""
        with self._database.transaction():
            if not self._database.execute("DELETE FROM tag WHERE name = ?", (name,)):
                return False
            self._database.execute("DELETE FROM platform_tag WHERE name = ?", (name,))
            self._database.execute("DELETE FROM manifest_list WHERE name = ?", (name,))
            self._write_index()
            return True

    def tags(self) -> dict[str, Digest]:
        """Return all names, sorted, and what they point at."""
        return dict(self._database.query("SELECT name, image FROM tag ORDER BY name"))

    def tags_of(self, image_id: Digest) -> list[str]:
        """Return the names of an image, sorted; also those that stand for it among others."""
        rows = self._database.query(
            "SELECT name FROM tag WHERE image = ? UNION"
            " SELECT name FROM platform_tag WHERE image = ? ORDER BY name",
            (image_id, image_id),
        )
        return [name for (name,) in rows]

    def remember_manifest(self, reference: str, platform: str, manifest: Digest) -> None:
        """Remember what a registry said a reference is for a platform."""
        self._database.execute(
            "INSERT OR REPLACE INTO resolved VALUES (?, ?, ?)", (reference, platform, manifest)
        )

    def manifest_for(self, reference: str, platform: str) -> Digest | None:
        """Return the manifest that a reference was for a platform when it was last resolved."""
        rows = self._database.query(
            "SELECT manifest FROM resolved WHERE reference = ? AND platform = ?",
            (reference, platform),
        )
        return Digest(rows[0][0]) if rows else None

    def index_is_current(self) -> bool:
        """Tell whether ``index.json`` lists what the tables say."""
        with self._database.transaction():
            try:
                found = self._index_path.read_bytes()
            except FileNotFoundError:
                return False
            return found == index_bytes(self._named())

    def rewrite_index(self) -> None:
        """Write ``index.json`` again from the tables."""
        with self._database.transaction():
            self._write_index()

    def _one(self, sql: str, parameter: str) -> StoredImage | None:
        rows = self._database.query(sql, (parameter,))
        return _image(rows[0]) if rows else None

    def _write_index(self) -> None:
        write_index(self._index_path, self._named(), self._staging.directory())

    def _named(self) -> list[tuple[str, Descriptor]]:
        rows = self._database.query(
            "SELECT tag.name, image.manifest FROM tag JOIN image ON image.id = tag.image"
            " WHERE image.manifest IS NOT NULL ORDER BY tag.name"
        )
        return [(name, _descriptor.decode(blob)) for name, blob in rows]


def write_index(
    path: Path, named: list[tuple[str, Descriptor]], staging: Path | None = None
) -> None:
    """Write the ``index.json`` of an OCI image layout.

    Not synced: it is derived from the database, and replacing a file keeps the old one whole.

    Args:
        path: Its place.
        named: Manifests by name.
        staging: See ``write_atomically``.

    Raises:
        StorageError: it cannot be written.
    """
    with storage_errors(path):
        write_atomically(path, index_bytes(named), mode=0o600, staging=staging)


def index_bytes(named: list[tuple[str, Descriptor]]) -> bytes:
    """Return the ``index.json`` of an OCI image layout."""
    manifests = tuple(
        msgspec.structs.replace(descriptor, annotations={**descriptor.annotations, REF_NAME: name})
        for name, descriptor in named
    )
    return encode(Index(manifests=manifests, media_type=OCI_INDEX))


def _image(row: Row) -> StoredImage:
    image_id, config, layers, manifest, source, created_ns = row
    return StoredImage(
        id=image_id,
        config=config,
        layers=_layers.decode(layers),
        manifest=None if manifest is None else _descriptor.decode(manifest),
        source=source,
        created_ns=created_ns,
    )

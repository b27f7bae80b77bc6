"""What the store keeps about builds: records by image ID, origins of copies by name.

In:  ``BuildRecord`` and ``CopyOrigins`` in their stored forms.
Out: the same.

On disk: tables ``origins`` and ``build``. A row of ``build`` holds the origins of its copies, so
that it stays whole when the cache is pruned; it goes with its image.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from typing import NamedTuple

import msgspec

from jettison.oci.digest import Digest
from jettison.store.database import Database

_KEPT_NS = 90 * 24 * 3600 * 10**9
"""How long origins are kept that no build has used, and records whose image was not stored."""


class OriginStore:
    """Origins of copies by name; thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, name: str, origins: bytes) -> None:
        """Keep the origins of one COPY."""
        self._database.execute(
            "INSERT OR REPLACE INTO origins VALUES (?, ?, ?)", (name, origins, time.time_ns())
        )

    def find(self, names: Collection[str]) -> dict[str, bytes]:
        """Return those of some names that are kept."""
        if not names:
            return {}
        wanted = msgspec.json.encode(sorted(names)).decode()
        rows = self._database.query(
            "SELECT name, origins FROM origins WHERE name IN (SELECT value FROM json_each(?))",
            (wanted,),
        )
        return dict(rows)


class KeptBuild(NamedTuple):
    """What is kept of the build of an image: its record, and the origins of its copies by name."""

    record: bytes
    origins: Mapping[str, bytes]


class BuildStore:
    """Records of builds by image ID."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.origins = OriginStore(database)

    def digest(self, image: Digest) -> str:
        """Return the digest under which the record of an image was kept; empty without one."""
        rows = self._database.query("SELECT digest FROM build WHERE image = ?", (image,))
        return rows[0][0] if rows else ""

    def keep(self, image: Digest, digest: str, build: KeptBuild) -> None:
        """Keep the record of an image, in place of an earlier one.

        Args:
            image: Its ID.
            digest: Of the record: one that has the same need not be kept again.
            build: It.
        """
        now = time.time_ns()
        origins = msgspec.msgpack.encode(build.origins)
        used = msgspec.json.encode(list(build.origins)).decode()
        with self._database.transaction():
            self._database.execute(
                "UPDATE origins SET used_ns = ? WHERE name IN (SELECT value FROM json_each(?))",
                (now, used),
            )
            self._database.execute("DELETE FROM origins WHERE used_ns < ?", (now - _KEPT_NS,))
            self._database.execute(
                "DELETE FROM build WHERE created_ns < ? AND image NOT IN (SELECT id FROM image)",
                (now - _KEPT_NS,),
            )
            self._database.execute(
                "INSERT OR REPLACE INTO build (image, digest, created_ns, record, origins)"
                " VALUES (?, ?, ?, ?, ?)",
                (image, digest, now, build.record, origins),
            )

    def find(self, image: Digest) -> KeptBuild | None:
        """Return what is kept of the build of an image, None if it was not built here."""
        rows = self._database.query("SELECT record, origins FROM build WHERE image = ?", (image,))
        if not rows:
            return None
        return KeptBuild(rows[0][0], msgspec.msgpack.decode(rows[0][1], type=dict[str, bytes]))

    def all(self) -> list[bytes]:
        """Return the records of all images, oldest first."""
        rows = self._database.query("SELECT record FROM build ORDER BY created_ns")
        return [record for (record,) in rows]

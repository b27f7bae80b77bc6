"""What digests in cache keys are of: lists of files by directory, facts about destinations.

In:  raw digests and the bytes that they are of.
Out: the bytes again, so that what differs between two keys can be named.

A directory's list is kept once, however many keys hold it. All of this can be lost: then it is
known that files changed, and not which.

Concurrency: as the database.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from jettison.store.database import Database

MAX_KEY_BYTES = 16 << 20
"""Of one key: a selection of more than a hundred thousand files has no names of files."""
MAX_BYTES = 64 << 20
"""In all; what the last builds do not need goes when there is more."""


class PreimageStore:
    """Bytes by raw sha256 digest."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, preimages: Mapping[bytes, bytes]) -> None:
        """Keep what digests of one key are of; too much of it is not kept."""
        if not preimages or sum(map(len, preimages.values())) > MAX_KEY_BYTES:
            return
        self._database.execute_many(
            "INSERT OR IGNORE INTO preimage VALUES (?, ?, ?)",
            [(digest, len(content), content) for digest, content in preimages.items()],
        )

    def find(self, digest: bytes) -> bytes | None:
        """Return what a digest is of, if that is known."""
        rows = self._database.query("SELECT content FROM preimage WHERE digest = ?", (digest,))
        return bytes(rows[0][0]) if rows else None

    @property
    def is_full(self) -> bool:
        """Whether there is more than is worth its room."""
        rows = self._database.query("SELECT total(size) FROM preimage")
        return int(rows[0][0]) > MAX_BYTES

    def keep_only(self, wanted: Collection[bytes]) -> None:
        """Forget what is not wanted."""
        with self._database.transaction():
            known = self._database.query("SELECT digest FROM preimage")
            unwanted = [(digest,) for (digest,) in known if digest not in wanted]
            self._database.execute_many("DELETE FROM preimage WHERE digest = ?", unwanted)

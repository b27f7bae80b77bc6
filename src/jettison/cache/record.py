"""Cache records in the store's database: which layer a key stands for, and memos of answers.

In:  cache keys and layers.
Out: records, and answers about stacks.

Concurrency: safe for threads and processes, as the database is. A cache that cannot be read
counts as a miss; one that cannot be written is a ``StorageError`` of the store.
"""

from __future__ import annotations

import time

import msgspec

from jettison.cache.key import CacheKey
from jettison.cache.preimage import PreimageStore
from jettison.cache.trace import TraceStore
from jettison.oci.digest import Digest
from jettison.store.database import Database
from jettison.store.layer import LayerId

_ANSWER_NS = 90 * 24 * 3600 * 10**9
"""How long an answer is kept."""
_FRESH_NS = 3600 * 10**9
"""How exactly the time of the last use is kept."""


class Record(msgspec.Struct, frozen=True):
    """What a vertex made: its layer, when, the vertex's definition and name.

    ``content`` is the layer's content digest. ``duration_ns`` is how long the vertex took when it
    ran, without waiting for others; 0 is unknown.
    """

    layer: LayerId
    created_ns: int
    vertex: str = ""
    name: str = ""
    content: str = ""
    duration_ns: int = 0


class RecordStore:
    """Records by key."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._stale: list[Digest] = []

    def find(self, key: Digest) -> Record | None:
        """Return the record of a key; ``note_used`` will note that it was used."""
        rows = self._database.query(
            "SELECT layer, created_ns, vertex, name, content, duration_ns, used_ns"
            " FROM record WHERE key = ?",
            (key,),
        )
        if not rows:
            return None
        layer, created_ns, vertex, name, content, duration_ns, used_ns = rows[0]
        if used_ns < time.time_ns() - _FRESH_NS:
            self._stale.append(key)
        return Record(LayerId(layer), created_ns, vertex, name, content, duration_ns)

    def latest(self, vertex: str) -> LayerId | None:
        """Return the layer that the last run of a vertex's definition made, whatever its key."""
        rows = self._database.query(
            "SELECT layer FROM record WHERE vertex = ? ORDER BY created_ns DESC LIMIT 1", (vertex,)
        )
        return LayerId(rows[0][0]) if rows else None

    def expected_ns(self, vertex: str, name: str) -> int:
        """Return how long the last run of a step took, 0 if nobody knows.

        Args:
            vertex: Its definition.
            name: What it is called, for steps whose definition has changed above them.
        """
        for condition, value in (("vertex = ?", vertex), ("name = ?", name)):
            rows = self._database.query(
                f"SELECT duration_ns FROM record WHERE {condition} AND duration_ns > 0"  # noqa: S608
                " ORDER BY created_ns DESC LIMIT 1",
                (value,),
            )
            if rows:
                return int(rows[0][0])
        return 0

    def made_by(self, vertex: str, content: Digest) -> list[LayerId]:
        """Return the layers of a content that runs of a vertex's definition made, first one first.

        Args:
            vertex: The definition.
            content: Their content digest.
        """
        rows = self._database.query(
            "SELECT DISTINCT layer FROM record WHERE vertex = ? AND content = ?"
            " ORDER BY created_ns",
            (vertex, content),
        )
        return [LayerId(layer) for (layer,) in rows]

    def note_used(self) -> None:
        """Write down, all at once, which records were found; those of this hour are not written.

        So a cached build writes nothing most of the time.
        """
        stale, self._stale = self._stale, []
        now = time.time_ns()
        rows = [(now, key) for key in stale]
        self._database.execute_many("UPDATE record SET used_ns = ? WHERE key = ?", rows)

    def keep(self, key: CacheKey, record: Record) -> None:
        """Keep a record, and what digests in its key are of."""
        preimages = PreimageStore(self._database)
        with self._database.transaction():
            preimages.keep(key.preimages)
            self._keep(key, record)

    def _keep(self, key: CacheKey, record: Record) -> None:
        self._database.execute(
            "INSERT OR REPLACE INTO record"
            " (key, layer, vertex, name, content, created_ns, duration_ns, used_ns)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                key.digest,
                record.layer,
                record.vertex,
                record.name,
                record.content,
                record.created_ns,
                record.duration_ns,
                time.time_ns(),
            ),
        )


class SelectionMemo:
    """Digests of parts of stacks: what a COPY selects, what a destination looks like."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, stack: Digest, selector: Digest) -> Digest | None:
        """Return the kept digest."""
        rows = self._database.query(
            "SELECT digest FROM selection WHERE stack = ? AND selector = ?", (stack, selector)
        )
        return Digest(rows[0][0]) if rows else None

    def keep(self, stack: Digest, selector: Digest, answer: Digest) -> None:
        """Keep a digest."""
        self._database.execute(
            "INSERT OR REPLACE INTO selection (stack, selector, digest, used_ns)"
            " VALUES (?, ?, ?, ?)",
            (stack, selector, answer, time.time_ns()),
        )


class AnswerMemo:
    """Answers to questions that are asked again and again, such as what checks find in a file.

    An answer that was kept long ago is forgotten: what matters is asked and kept again then.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, question: Digest) -> bytes | None:
        """Return the kept answer."""
        rows = self._database.query("SELECT answer FROM answer WHERE question = ?", (question,))
        return bytes(rows[0][0]) if rows else None

    def keep(self, question: Digest, answer: bytes) -> None:
        """Keep an answer."""
        now = time.time_ns()
        with self._database.transaction():
            self._database.execute("DELETE FROM answer WHERE used_ns < ?", (now - _ANSWER_NS,))
            self._database.execute(
                "INSERT OR REPLACE INTO answer (question, answer, used_ns) VALUES (?, ?, ?)",
                (question, answer, now),
            )


class BuildCache:
    """All that is cached in one database.

    Attributes:
        records: Results of vertices.
        selections: What parts of stacks are.
        answers: What checks found before.
        preimages: What digests in keys are of.
        traces: What the last builds were keyed by.
    """

    def __init__(self, database: Database) -> None:
        self.records = RecordStore(database)
        self.selections = SelectionMemo(database)
        self.answers = AnswerMemo(database)
        self.preimages = PreimageStore(database)
        self.traces = TraceStore(database)

"""The state database: one SQLite file for all processes that use a store.

In:  SQL with parameters.
Out: rows as tuples.

Everything here can be lost without harm to images' content: blobs are named by digest. That is
why commits are not synced to disk one by one (``synchronous=NORMAL`` with a write-ahead log):
a killed process loses nothing, a power loss at most the last commits, and never consistency.

On disk: ``state.db`` (+ ``-wal``, ``-shm`` while in use, and after processes that called
``keep_open``); the schema is below.

Concurrency: one connection, used by one thread at a time; a transaction holds it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jettison.errors import StorageError
from jettison.fs.lock import FileLock

if TYPE_CHECKING:
    import sqlite3

Value = str | int | float | bytes | None
Row = tuple[Any, ...]

SCHEMA_VERSION = 11

_SCHEMA = (
    "CREATE TABLE meta (version INTEGER NOT NULL)",
    # Results of vertices by cache key (package `cache`).
    """CREATE TABLE record (
        key TEXT PRIMARY KEY, layer TEXT NOT NULL, vertex TEXT NOT NULL, name TEXT NOT NULL,
        created_ns INTEGER NOT NULL, used_ns INTEGER NOT NULL, preimage BLOB NOT NULL)""",
    "CREATE INDEX record_by_vertex ON record (vertex, created_ns)",
    # Content digests of what a selector picks from a stack of layers (package `cache`).
    """CREATE TABLE selection (
        stack TEXT NOT NULL, selector TEXT NOT NULL, digest TEXT NOT NULL,
        used_ns INTEGER NOT NULL, PRIMARY KEY (stack, selector)) WITHOUT ROWID""",
    # Digests of context files (fs.digest).
    "CREATE TABLE file_memo (root TEXT PRIMARY KEY, blob BLOB NOT NULL)",
    # Facts of layers, kept when the files are gone (store.layers).
    """CREATE TABLE layer (
        id TEXT PRIMARY KEY, diff_id TEXT, size_bytes INTEGER, entries INTEGER,
        used_ns INTEGER NOT NULL) WITHOUT ROWID""",
    """CREATE TABLE packed (
        layer TEXT NOT NULL, compression TEXT NOT NULL, descriptor BLOB NOT NULL,
        PRIMARY KEY (layer, compression)) WITHOUT ROWID""",
    "CREATE TABLE remote_layer (layer TEXT PRIMARY KEY, descriptor BLOB, source TEXT NOT NULL)",
    # Images and their names (store.images).
    """CREATE TABLE image (
        id TEXT PRIMARY KEY, config BLOB NOT NULL, layers BLOB NOT NULL, manifest BLOB,
        source TEXT NOT NULL, created_ns INTEGER NOT NULL)""",
    "CREATE TABLE tag (name TEXT PRIMARY KEY, image TEXT NOT NULL) WITHOUT ROWID",
    "CREATE INDEX tag_by_image ON tag (image)",
    """CREATE TABLE resolved (
        reference TEXT NOT NULL, platform TEXT NOT NULL, manifest TEXT NOT NULL,
        PRIMARY KEY (reference, platform)) WITHOUT ROWID""",
    # What living processes use and prune must leave alone (store.lease).
    """CREATE TABLE lease (
        owner TEXT NOT NULL, resource TEXT NOT NULL, created_ns INTEGER NOT NULL,
        PRIMARY KEY (owner, resource, created_ns)) WITHOUT ROWID""",
)

_MIGRATIONS = {
    0: (*_SCHEMA, "INSERT INTO meta VALUES (0)"),
    1: (
        # Downloads by the sha256 of their URL, and what servers validate them by (source.http).
        """CREATE TABLE download (
            url TEXT PRIMARY KEY, digest TEXT NOT NULL, mtime_ns INTEGER NOT NULL,
            etag TEXT NOT NULL, modified TEXT NOT NULL) WITHOUT ROWID""",
    ),
    2: (
        # What checks found, by the digest of all that they looked at (package `cache`).
        """CREATE TABLE answer (
            question TEXT PRIMARY KEY, answer BLOB NOT NULL, used_ns INTEGER NOT NULL)
            WITHOUT ROWID""",
    ),
    3: (
        # Layers were named, and results found, by what they hold without times: a record may stand
        # for other times than its step would give. Images keep their layers.
        "DELETE FROM record",
        "DELETE FROM selection",
        "ALTER TABLE record ADD COLUMN content TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE layer ADD COLUMN content TEXT NOT NULL DEFAULT ''",
    ),
    # How long steps took; nobody knows it of those that are there.
    4: ("ALTER TABLE record ADD COLUMN duration_ns INTEGER NOT NULL DEFAULT 0",),
    5: (
        # Where files of COPY's layers came from, and how images were built (package `provenance`).
        """CREATE TABLE origins (
            name TEXT PRIMARY KEY, origins BLOB NOT NULL, used_ns INTEGER NOT NULL)
            WITHOUT ROWID""",
        """CREATE TABLE build (
            image TEXT PRIMARY KEY, digest TEXT NOT NULL, created_ns INTEGER NOT NULL,
            record BLOB NOT NULL, origins BLOB NOT NULL)""",
    ),
    6: (
        # What digests in cache keys are of, by raw digest (cache.preimage).
        """CREATE TABLE preimage (
            digest BLOB PRIMARY KEY, size INTEGER NOT NULL, content BLOB NOT NULL)
            WITHOUT ROWID""",
        "CREATE INDEX preimage_by_size ON preimage (size)",
        # Builds that ran something, and what their steps were keyed by (cache.trace).
        """CREATE TABLE trace (
            id INTEGER PRIMARY KEY, project TEXT NOT NULL, name TEXT NOT NULL,
            image TEXT NOT NULL, built_ns INTEGER NOT NULL, content BLOB NOT NULL)""",
        "CREATE INDEX trace_by_project ON trace (project, built_ns)",
        "CREATE INDEX trace_by_name ON trace (name, built_ns)",
        "CREATE INDEX trace_by_image ON trace (image)",
    ),
    # Traces of builds hold what keys were made of, in the order of steps.
    7: ("ALTER TABLE record DROP COLUMN preimage",),
    8: (
        # Images for other platforms that a name stands for, too, in order (store.images).
        """CREATE TABLE platform_tag (
            name TEXT NOT NULL, position INTEGER NOT NULL, image TEXT NOT NULL,
            PRIMARY KEY (name, position)) WITHOUT ROWID""",
        "CREATE INDEX platform_tag_by_image ON platform_tag (image)",
    ),
    # What build caches elsewhere say of layers (store.claims).
    9: (
        # Digests of what layers hold know times in whole seconds. Images keep their layers.
        "DELETE FROM record",
        "DELETE FROM selection",
        """CREATE TABLE claimed_layer (
            layer TEXT PRIMARY KEY, diff_id TEXT NOT NULL, claim BLOB NOT NULL)""",
        "CREATE INDEX claimed_by_diff_id ON claimed_layer (diff_id)",
    ),
    # Indexes that are kept under a name (store.lists).
    10: (
        "CREATE TABLE manifest_list (name TEXT PRIMARY KEY, content BLOB NOT NULL) WITHOUT ROWID",
    ),
}
"""Version to the statements that lead from it to the next; 0 is an empty file."""

_BUSY_SECONDS = 60.0
_PRIMARY_CODE = 0xFF
_FULL_BYTES = 1 << 16

_kept: list[sqlite3.Connection] | None = None


def keep_open() -> None:
    """Let closed databases of this process stay open until it ends.

    SQLite syncs its log, copies it into the database, syncs that and removes the log when the last
    connection is closed; the next process then makes a log again and syncs it, too. These four
    waits for the disk are a good part of a short build. A process that ends with its connection
    open leaves the log to the next one, and the copy is made when the log has grown to a thousand
    pages. To a killed process or a power loss the same applies as before.
    """
    global _kept  # noqa: PLW0603 - it is about the process
    _kept = []


class Database:
    """The database of one store; opened at the first statement.

    Args:
        path: The file; made when it is not there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._in_transaction = False

    def query(self, sql: str, parameters: Sequence[Value] = ()) -> list[Row]:
        """Return all rows of a statement.

        Raises:
            StorageError: the database is damaged, busy for a minute, or cannot be written.
        """
        with self._lock:
            try:
                return self._connected().execute(sql, parameters).fetchall()
            except Exception as error:
                self._raise_translated(error)
                raise

    def execute(self, sql: str, parameters: Sequence[Value] = ()) -> int:
        """Run a statement that changes rows; return how many.

        Raises:
            StorageError: as ``query``; also a full disk.
        """
        with self._lock:
            try:
                return self._connected().execute(sql, parameters).rowcount
            except Exception as error:
                self._raise_translated(error)
                raise

    def execute_many(self, sql: str, rows: Sequence[Sequence[Value]]) -> None:
        """Run a statement for each row of parameters, in one transaction."""
        if not rows:
            return
        with self.transaction(), self._translated_errors():
            self._connected().executemany(sql, rows)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make the statements of a block one change: all or, when it raises, none.

        It holds the only write lock of all processes: keep it short. Inner ones join the outer.
        """
        with self._lock:
            if self._in_transaction:
                yield
                return
            with self._translated_errors():
                connection = self._connected()
                connection.execute("BEGIN IMMEDIATE")
            self._in_transaction = True
            try:
                yield
                with self._translated_errors():
                    connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            finally:
                self._in_transaction = False

    def file_memo(self, root: str) -> bytes | None:
        """Return the memo of file digests below a directory (``fs.digest.MemoTable``)."""
        rows = self.query("SELECT blob FROM file_memo WHERE root = ?", (root,))
        return rows[0][0] if rows else None

    def set_file_memo(self, root: str, blob: bytes) -> None:
        """Keep the memo of file digests below a directory."""
        self.execute("INSERT OR REPLACE INTO file_memo VALUES (?, ?)", (root, blob))

    def close(self) -> None:
        """Close the connection; a later statement opens it again."""
        with self._lock:
            if self._connection is not None:
                connection, self._connection = self._connection, None
                if _kept is None:
                    connection.close()
                else:
                    _kept.append(connection)

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = self._open()
        return self._connection

    def _open(self) -> sqlite3.Connection:
        import sqlite3  # costs 3 ms, and not every command needs it

        # Made for its owner alone. One that is there is not opened: closing it would end the locks
        # that other connections of this process hold (fcntl(2)), and their log would be removed.
        with suppress(OSError):  # SQLite says better what is wrong
            os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        connection = sqlite3.connect(
            self.path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            version = _version(connection)
            if version != SCHEMA_VERSION:
                self._upgrade(connection)
            connection.execute("PRAGMA synchronous=NORMAL")
        except BaseException:
            connection.close()
            raise
        return connection

    def _upgrade(self, connection: sqlite3.Connection) -> None:
        """Make the schema, or migrate an older one.

        A file lock serialises this: the switch to a write-ahead log does not wait for locks.
        """
        with FileLock(self.path.with_name("state.db.lock")).held(remove=True):
            version = _version(connection)
            if version > SCHEMA_VERSION:
                raise StorageError(
                    f"the store `{self.path.parent}` was written by a newer version of jettison",
                    hint="use that version, or another directory with `--root`",
                )
            if version == 0:
                connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("BEGIN IMMEDIATE")
            try:
                for step in range(version, SCHEMA_VERSION):
                    for statement in _MIGRATIONS[step]:
                        connection.execute(statement)
                connection.execute("UPDATE meta SET version = ?", (SCHEMA_VERSION,))
                connection.execute("COMMIT")
            except BaseException:
                connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        """Turn SQLite's errors into ``StorageError``; mistakes in SQL pass, they are ours."""
        try:
            yield
        except Exception as error:
            self._raise_translated(error)
            raise

    def _raise_translated(self, error: Exception) -> None:
        """Raise the ``StorageError`` that an error of SQLite means, if it means one."""
        code = getattr(error, "sqlite_errorcode", None)
        translated = _explain(code & _PRIMARY_CODE, self.path) if code is not None else None
        if translated is not None:
            raise translated from error


def _version(connection: sqlite3.Connection) -> int:
    """Return the schema's version, 0 for an empty file."""
    import sqlite3  # loaded already

    try:
        row = connection.execute("SELECT version FROM meta").fetchone()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_ERROR:  # no such table
            return 0
        raise
    return int(row[0])


def _explain(code: int, path: Path) -> StorageError | None:
    """Return what a primary result code of SQLite means for the user, None if it is our mistake."""
    import sqlite3  # loaded already

    place = os.fspath(path)
    match code:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return StorageError(
                f"the database `{place}` is locked by another process for a minute",
                hint="end the process that hangs; `fuser` names it",
            )
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN:
            return StorageError(
                f"the database `{place}` cannot be written",
                hint="check the owner of the store, or choose another with `--root`",
            )
        case sqlite3.SQLITE_IOERR if not _is_full(path):
            return StorageError(
                f"the database `{place}` cannot be read or written: input/output error",
                hint="check the disk; the kernel log says more",
            )
        case sqlite3.SQLITE_FULL | sqlite3.SQLITE_IOERR:
            return StorageError(
                f"the disk of `{place}` is full",
                hint="free some space, or choose another directory with `--root`",
            )
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return StorageError(
                f"the database `{place}` is damaged",
                hint="move it and its `-wal` file away: images must then be pulled and built again",
            )
        case _:
            return None


def _is_full(path: Path) -> bool:
    """Tell whether the disk has no room: then the shared memory of the log cannot be made."""
    try:
        disk = os.statvfs(path.parent)
    except OSError:
        return False
    return disk.f_bavail * disk.f_frsize < _FULL_BYTES

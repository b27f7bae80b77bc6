"""The store: one directory that holds blobs, layers, images and state, for many processes.

In:  its path.
Out: ``Store`` with its parts.

On disk::

    blobs/<algorithm>/<hex>   an OCI image layout, with oci-layout and index.json
    snapshots/<name>/         fs (overlay layer directory) and meta (``snapshot.overlay``)
    cache-mounts/<id>/        directories of RUN --mount=type=cache
    failed/<name>/            root file systems of failed steps (``solver.failed``)
    partial/<hex>             beginnings of blobs (``store.partial``)
    containers/<id>/          containers of ``run`` (``container.state``)
    state.db                  tables (``store.database``)
    key                       random bytes (``Store.key``)
    tmp/                      what is being made (``store.staging``) and named locks
    trash/                    what is to be removed, outside any build

Everything is made below ``tmp`` and gets its place by one rename, so a process may be killed at
any instant: names in place are whole, and the next process collects the rest. Large removals are
renames into ``trash``: on ext4 creating files is slow for a while after large deletes.

Security: the directory and each part are 0700; layers hold set-user-ID programs. No part is a link,
and nobody else can change where the path leads (``store.place``).
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Self

from jettison.errors import StorageError
from jettison.fs.atomic import write_atomically
from jettison.fs.lock import FileLock
from jettison.fs.os_errors import storage_errors
from jettison.fs.remove import OPEN_DIRECTORY, open_up, remove_tree
from jettison.oci.layout import INDEX, MARKER, MARKER_DATA
from jettison.store.blobs import BlobStore
from jettison.store.database import Database
from jettison.store.images import ImageIndex, write_index
from jettison.store.layers import LayerIndex
from jettison.store.lists import ManifestLists
from jettison.store.partial import PartialBlobs
from jettison.store.place import LATER_PARTS, PARTS, resolved, take, take_parts
from jettison.store.staging import Staging

KEY = "key"
_KEY_BYTES = 32


class Store:
    """An open store; thread-safe. Use it in a ``with`` block, or call ``close``.

    Attributes:
        root: Its directory, absolute and without links.
        blobs: Immutable bytes by digest.
        partial: Beginnings of blobs whose fetch was interrupted.
        database: Tables.
        images: Images and names.
        layers: What is known about layers.
        lists: Indexes under a name.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.database = Database(root / "state.db")
        self._staging = Staging(root / "tmp", self.trash)
        self.blobs = BlobStore(root / "blobs", self._staging, self.lease)
        self.partial = PartialBlobs(root / "partial", self.blobs, self._staging)
        self._has_leases = False
        self.images = ImageIndex(self.database, root / INDEX, self._staging)
        self.layers = LayerIndex(self.database, self.blobs)
        self.lists = ManifestLists(self.database)

    @classmethod
    def open(cls, root: Path) -> Self:
        """Open a store, make it when it is not there, collect what dead processes left.

        Raises:
            StorageError: it cannot be made or written, or others can change what is in it.
        """
        with storage_errors(root):
            root = resolved(root)
            take(root)
            if not os.path.exists(f"{root}/oci-layout"):
                _create(root)
            take_parts(root)
            if not os.access(root, os.W_OK | os.X_OK):
                raise StorageError(
                    f"the store `{root}` cannot be written",
                    hint="choose another directory with `--root` or `JETTISON_ROOT`",
                )
            store = cls(root)
            store._staging.collect()
        return store

    @property
    def snapshots(self) -> Path:
        """Directory of the layers' files whose owners are set."""
        return self.root / "snapshots"

    @property
    def recorded_snapshots(self) -> Path:
        """Directory of the layers' files whose owners are recorded; made with the first."""
        return self.root / "snapshots-recorded"

    @property
    def cache_mounts(self) -> Path:
        """Directory of the cache mounts."""
        return self.root / "cache-mounts"

    @property
    def git(self) -> Path:
        """Directory of what was fetched from git, made with the first repository."""
        return self.root / "git"

    @property
    def failed(self) -> Path:
        """Directory of the root file systems of failed steps; made with the first."""
        return self.root / "failed"

    @property
    def containers(self) -> Path:
        """Directory of the containers of ``run``; made with the first."""
        return self.root / "containers"

    def key(self) -> bytes:
        """Return 32 random bytes that only this store has, made when they are first asked for.

        What must not be found out by guessing is remembered by a digest with this key.

        Raises:
            StorageError: it cannot be made or read.
        """
        path = self.root / KEY
        with storage_errors(path):
            if not path.exists():
                temporary = self.tmp() / KEY
                write_atomically(temporary, os.urandom(_KEY_BYTES), mode=0o600)
                with suppress(FileExistsError):  # another process was faster: that one holds
                    os.link(temporary, path)
            return path.read_bytes()

    def tmp(self) -> Path:
        """Make a fresh directory (0700), collected when this process has died.

        Raises:
            StorageError: it cannot be made.
        """
        with storage_errors(self.root / "tmp"):
            return self._staging.fresh_directory()

    @contextmanager
    def scratch_file(self) -> Iterator[BinaryIO]:
        """Open a file to write and read that has no name, and is gone afterwards.

        Raises:
            StorageError: it cannot be made, or written.
        """
        with storage_errors(self.root / "tmp"):
            path = self._staging.fresh_name()
            with path.open("x+b") as file:
                path.unlink()
                yield file

    def lock(self, name: str) -> FileLock:
        """Return a lock that all processes share by name; release it with ``remove=True``."""
        return self._staging.lock(name)

    def trash(self, path: Path) -> None:
        """Take a file or directory of the store away at once; it need not be there.

        Raises:
            StorageError: it cannot be moved.
        """
        target = self.root / "trash" / f"{time.time_ns():x}-{os.urandom(6).hex()}"
        with storage_errors(path):
            try:
                path.rename(target)
            except FileNotFoundError:
                return
            except PermissionError:
                # Moving a directory changes its "..", which its own permissions may forbid.
                open_up(path)
                path.rename(target)

    def empty_trash(self) -> int:
        """Remove what is in the trash; not during builds.

        Returns:
            How many entries could not be removed (mount points, other owners).
        """
        self._staging.collect_locks()
        failed = 0
        trash = os.open(self.root / "trash", OPEN_DIRECTORY)
        try:
            for name in os.listdir(trash):
                try:
                    remove_tree(name, dir_fd=trash)
                except OSError:
                    failed += 1
        finally:
            os.close(trash)
        return failed

    def using(self) -> FileLock:
        """Return a lock to be taken shared while layers are looked up, until they are leased.

        ``collecting`` excludes it: what is found stays until it is leased.
        """
        return self._staging.lock("collect")

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """Wait until nobody looks layers up, and keep it so: what has no lease may be removed."""
        with self._staging.lock("collect").held():
            yield

    def lease(self, resources: Iterable[str]) -> None:
        """Keep layers (by ID) and blobs (by digest) from being pruned until the store is closed.

        Waits for a prune that goes on, since that would not know: what is still there afterwards,
        or is made from now on, stays. Not to be called within a transaction, which prunes need.
        """
        rows = [(self._staging.owner, resource, 0) for resource in dict.fromkeys(resources)]
        self._has_leases = self._has_leases or bool(rows)
        self._write_leases(rows)

    @contextmanager
    def leased(self, resources: Iterable[str]) -> Iterator[None]:
        """Keep layers and blobs from being pruned by other processes; see ``lease``.

        The lease ends with the block, or with this process.
        """
        owner, now = self._staging.owner, time.time_ns()
        rows = [(owner, resource, now) for resource in dict.fromkeys(resources)]
        self._write_leases(rows)
        try:
            yield
        finally:
            self.database.execute_many(
                "DELETE FROM lease WHERE owner = ? AND resource = ? AND created_ns = ?", rows
            )

    def _write_leases(self, rows: Sequence[tuple[str, str, int]]) -> None:
        with self.using().held(shared=True):
            self.database.execute_many("INSERT OR IGNORE INTO lease VALUES (?, ?, ?)", rows)

    def leases(self) -> set[str]:
        """Return what living processes use; leases of dead ones are removed."""
        rows = self.database.query("SELECT owner, resource FROM lease")
        alive = {owner: self._staging.is_alive(owner) for owner in {owner for owner, _ in rows}}
        dead = [(owner,) for owner, lives in sorted(alive.items()) if not lives]
        self.database.execute_many("DELETE FROM lease WHERE owner = ?", dead)
        return {resource for owner, resource in rows if alive[owner]}

    def close(self) -> None:
        """Close the database and give up what is unfinished."""
        if self._has_leases:
            self._has_leases = False
            self.database.execute("DELETE FROM lease WHERE owner = ?", (self._staging.owner,))
        self.database.close()
        self._staging.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _create(root: Path) -> None:
    """Make the directories and files of a store; several processes may do it at once."""
    foreign = [path.name for path in root.iterdir() if path.name not in _OWN_NAMES]
    if foreign and not (root / "tmp").is_dir():
        raise StorageError(
            f"the directory `{root}` is neither empty nor a store: it has `{min(foreign)}`",
            hint="choose an empty directory with `--root`",
        )
    for name in PARTS:
        (root / name).mkdir(0o700, exist_ok=True)
    with FileLock(root / "tmp" / "create.lock").held():
        if not (root / INDEX).exists():
            write_index(root / INDEX, [])
        # Last: it says that all the rest is there.
        write_atomically(root / MARKER, MARKER_DATA)


_OWN_NAMES = frozenset({*PARTS, *LATER_PARTS, INDEX, MARKER, KEY, "state.db"})

"""Beginnings of large blobs whose fetch was interrupted: the next one goes on where it broke.

In:  descriptors of blobs that are about to be fetched.
Out: writers that know what is here already.

On disk: ``partial/<hex>``, written by whoever holds its lock; who does not get that writes a file
of its own, as for small blobs. A blob gets its name only when all of it has its digest, so what a
beginning holds need not be trusted; one that proves wrong, or that nobody went on with for a week,
is removed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from jettison.errors import ContentError
from jettison.fs.os_errors import storage_errors
from jettison.oci.manifest import Descriptor
from jettison.store.blobs import BlobStore, BlobWriter
from jettison.store.staging import Staging

_LEAST_BYTES = 8 << 20
"""Smaller blobs are fetched again."""

_KEPT_SECONDS = 7 * 24 * 3600


class PartialBlob(msgspec.Struct, frozen=True):
    """A beginning: its file, what came so far, when the last byte did, whether one comes now."""

    path: Path
    size_bytes: int
    used_ns: int
    in_use: bool

    @property
    def digest(self) -> str:
        """Of the whole blob."""
        return f"sha256:{self.path.name}"


class PartialBlobs:
    """The beginnings in one store; thread-safe.

    Args:
        directory: ``partial`` of the store; made with the first.
        blobs: Where blobs go.
        staging: Has the locks.
    """

    def __init__(self, directory: Path, blobs: BlobStore, staging: Staging) -> None:
        self._directory = directory
        self._blobs = blobs
        self._staging = staging

    @contextmanager
    def writer(self, expected: Descriptor) -> Iterator[BlobWriter]:
        """Return a writer of a blob, for a ``with`` block; ``size_bytes`` of it are here already.

        Raises:
            StorageError: no file can be made.
        """
        algorithm, _, name = expected.digest.partition(":")
        lock = self._staging.lock(f"partial-{name}")
        if expected.size < _LEAST_BYTES or algorithm != "sha256" or not lock.acquire(wait=False):
            with self._blobs.writer(expected) as writer:
                yield writer
            return
        try:
            with storage_errors(self._directory):
                self._directory.mkdir(0o700, exist_ok=True)
            self.remove(time.time() - _KEPT_SECONDS)
            path = self._directory / name
            with _begun(self._blobs, path, expected) as writer:
                yield writer
        finally:
            lock.release(remove=True)

    def all(self) -> list[PartialBlob]:
        """Return all beginnings, the one that was written to longest ago first."""
        found = []
        with suppress(FileNotFoundError), storage_errors(self._directory):
            for path in list(self._directory.iterdir()):
                lock = self._staging.lock(f"partial-{path.name}")
                with suppress(FileNotFoundError):
                    st = path.stat()
                    free = lock.acquire(wait=False)
                    if free:
                        lock.release(remove=True)
                    found.append(PartialBlob(path, st.st_size, st.st_mtime_ns, not free))
        return sorted(found, key=lambda each: (each.used_ns, each.path))

    def remove(self, before: float) -> None:
        """Remove beginnings that were last written before a time (seconds since the epoch)."""
        for each in self.all():
            if each.used_ns < before * 1e9:
                self.discard(each)

    def discard(self, beginning: PartialBlob) -> bool:
        """Remove a beginning unless somebody writes it; return whether it is gone."""
        lock = self._staging.lock(f"partial-{beginning.path.name}")
        if not lock.acquire(wait=False):
            return False
        with storage_errors(self._directory):
            beginning.path.unlink(missing_ok=True)
        lock.release(remove=True)
        return True


@contextmanager
def _begun(blobs: BlobStore, path: Path, expected: Descriptor) -> Iterator[BlobWriter]:
    """Return a writer that goes on with a file; what is wrong is removed, the rest stays."""
    with BlobWriter(blobs, path, expected, going_on=True) as writer:
        try:
            yield writer
        except ContentError:
            writer.keeps = False
            raise

"""Blobs: immutable files named by the digest of their bytes.

In:  bytes, whole or as a stream.
Out: digests, paths, verified bytes.

On disk: ``blobs/<algorithm>/<hex>``, written below ``tmp/`` and renamed, so a name is there only
with all its bytes. Small blobs (``put``: manifests, configs) are synced to disk before they get
their names, since names of images point at them. Streamed blobs (layers) are not: syncing
hundreds of megabytes would cost more than making them, they can be fetched or packed again, and
after a power loss ``snapshot.recovery`` finds damaged ones by their digests.

Security: a stream is cut as soon as it is longer than its descriptor says.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO, Self

from jettison.errors import DigestMismatchError, SizeMismatchError, StorageError
from jettison.fs.atomic import write_all, write_atomically
from jettison.fs.os_errors import storage_errors
from jettison.oci.digest import Digest, sha256_digest
from jettison.oci.digest import short as shortened
from jettison.oci.manifest import Descriptor
from jettison.store.staging import Staging

_BLOB_MODE = 0o644
_CHUNK_BYTES = 1 << 20


class BlobStore:
    """The blobs of one store; thread-safe.

    Args:
        directory: ``blobs`` of the store.
        staging: Where blobs are written.
        lease: Called with new blobs before they are there, so that no prune takes them away
            before something needs them.
    """

    def __init__(
        self, directory: Path, staging: Staging, lease: Callable[[Iterable[Digest]], None]
    ) -> None:
        self._directory = os.fspath(directory)
        self._staging = staging
        self.lease = lease

    def path(self, digest: Digest) -> Path:
        """Return where a blob is, or would be."""
        return Path(self._path(digest))

    def has(self, digest: Digest) -> bool:
        """Tell whether a blob is here."""
        return os.path.exists(self._path(digest))

    def size(self, digest: Digest) -> int:
        """Return the size of a blob in bytes.

        Raises:
            StorageError: it is not here.
        """
        try:
            return os.stat(self._path(digest)).st_size
        except FileNotFoundError as error:
            raise _missing(digest) from error

    def read(self, digest: Digest, *, limit: int) -> bytes:
        """Return the bytes of a blob, verified.

        Args:
            digest: Its name.
            limit: Most bytes that are read.

        Raises:
            StorageError: it is not here or cannot be read.
            SizeMismatchError: it is larger than the limit.
            DigestMismatchError: it was damaged on disk.
        """
        path = self._path(digest)
        with storage_errors(path):
            try:
                with open(path, "rb") as file:
                    data = file.read(limit + 1)
            except FileNotFoundError as error:
                raise _missing(digest) from error
        if len(data) > limit:
            raise SizeMismatchError(f"blob `{shortened(digest)}` is larger than {limit} bytes")
        algorithm = digest.partition(":")[0]
        if f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}" != digest:
            raise DigestMismatchError(
                f"blob `{path}` is damaged: its bytes have another digest",
                hint=f"remove the file and pull or build again: `rm {path}`",
            )
        return data

    def put(self, data: bytes) -> Digest:
        """Keep bytes; return their sha256 digest.

        Raises:
            StorageError: they cannot be written.
        """
        digest = sha256_digest(data)
        path = self.path(digest)
        if not path.exists():
            self.lease((digest,))
            with storage_errors(path):
                write_atomically(
                    path,
                    data,
                    mode=_BLOB_MODE,
                    durable=True,
                    staging=self._staging.directory(),
                )
        return digest

    def writer(self, expected: Descriptor | None = None) -> BlobWriter:
        """Return a writer of one blob, to be used in a ``with`` block.

        Args:
            expected: What the bytes must be; None takes any.

        Raises:
            StorageError: no file can be made.
        """
        return BlobWriter(self, self._staging.fresh_name(), expected)

    def remove(self, digest: Digest) -> None:
        """Remove a blob; it need not be here.

        Raises:
            StorageError: it cannot be removed.
        """
        path = self.path(digest)
        with storage_errors(path):
            path.unlink(missing_ok=True)

    def all(self) -> list[Digest]:
        """Return the digests of all blobs, sorted."""
        found = []
        for algorithm in sorted(os.listdir(self._directory)):
            names = os.listdir(f"{self._directory}/{algorithm}")
            found += [Digest(f"{algorithm}:{name}") for name in sorted(names)]
        return found

    def _path(self, digest: Digest) -> str:
        algorithm, _, name = digest.partition(":")
        return f"{self._directory}/{algorithm}/{name}"


class BlobWriter:
    """Writes one blob; nothing is visible before ``commit``, and nothing stays without it.

    A writer belongs to one thread. Hashing and writing release the interpreter lock.

    Args:
        blobs: Where it goes.
        staged: Where it is written.
        expected: What it must be; None takes any.
        going_on: Whether a beginning may be there, which is gone on with; without ``commit`` it
            stays, unless ``keeps`` is made false.
    """

    def __init__(
        self,
        blobs: BlobStore,
        staged: Path,
        expected: Descriptor | None,
        *,
        going_on: bool = False,
    ) -> None:
        self.keeps = going_on
        self._blobs = blobs
        self._staged = staged
        self._expected = expected
        algorithm = "sha256" if expected is None else expected.digest.partition(":")[0]
        self._algorithm = algorithm
        self._hasher = hashlib.new(algorithm)
        self.size_bytes = 0
        with storage_errors(staged):
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            flags |= 0 if going_on else os.O_EXCL
            self._descriptor = os.open(staged, flags, _BLOB_MODE)
            if going_on:
                self._read_beginning()

    def beginning(self) -> BinaryIO:
        """Return a reader of what is here; the caller closes it."""
        with storage_errors(self._staged):
            return self._staged.open("rb")

    def _read_beginning(self) -> None:
        """Digest what is here; of more than can be meant, nothing is kept."""
        while chunk := os.read(self._descriptor, _CHUNK_BYTES):
            self._hasher.update(chunk)
            self.size_bytes += len(chunk)
        if self._expected is None or self.size_bytes > self._expected.size:
            os.ftruncate(self._descriptor, 0)
            os.lseek(self._descriptor, 0, os.SEEK_SET)
            self._hasher = hashlib.new(self._algorithm)
            self.size_bytes = 0

    def write(self, chunk: bytes | memoryview) -> None:
        """Append bytes; large chunks are cheapest.

        Raises:
            SizeMismatchError: there are more bytes than expected.
            StorageError: the disk is full or broken.
        """
        self.size_bytes += len(chunk)
        if self._expected is not None and self.size_bytes > self._expected.size:
            raise SizeMismatchError(
                f"blob `{shortened(self._expected.digest)}` is longer than the"
                f" {self._expected.size} bytes of its descriptor"
            )
        self._hasher.update(chunk)
        with storage_errors(self._staged):
            write_all(self._descriptor, chunk)

    def commit(self) -> Digest:
        """Verify the bytes and give them their name; return it.

        Raises:
            SizeMismatchError: there are fewer bytes than expected.
            DigestMismatchError: they are others than expected.
            StorageError: the file cannot be renamed.
        """
        digest = Digest(f"{self._algorithm}:{self._hasher.hexdigest()}")
        expected = self._expected
        if expected is not None:
            if self.size_bytes != expected.size:
                raise SizeMismatchError(
                    f"blob `{shortened(expected.digest)}` has {self.size_bytes} bytes"
                    f" instead of {expected.size}"
                )
            if digest != expected.digest:
                raise DigestMismatchError(
                    f"expected blob `{expected.digest}` but the bytes are `{digest}`",
                    hint="try again; if it persists, the source or a proxy changes content",
                )
        path = self._blobs.path(digest)
        self._blobs.lease((digest,))
        with storage_errors(path):
            os.fchmod(self._descriptor, _BLOB_MODE)
            if self._algorithm != "sha256":
                path.parent.mkdir(0o755, exist_ok=True)
            os.rename(self._staged, path)
        self._close()
        return digest

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._descriptor >= 0:
            self._close()
            if not (self.keeps and self.size_bytes):
                self._staged.unlink(missing_ok=True)

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        os.close(descriptor)


def _missing(digest: Digest) -> StorageError:
    return StorageError(
        f"blob `{shortened(digest)}` is not in the store", hint="pull or build the image again"
    )

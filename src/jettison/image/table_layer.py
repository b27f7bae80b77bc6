"""A layer that is read by its table of contents: of its blob only what is wanted is fetched.

In:  a verified table, ranges of the blob.
Out: the outline of the layer; files with their bytes, in a directory of overlay form.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from jettison.cache.record import AnswerMemo
from jettison.errors import (
    ContentError,
    DigestMismatchError,
    InvalidManifestError,
    RegistryError,
    SourceError,
)
from jettison.events import Progress
from jettison.fs.atomic import write_all
from jettison.fs.ownership import Ownership
from jettison.image.remote import RemoteBlobs
from jettison.image.toc import (
    Chunk,
    ReadRange,
    Table,
    TableFile,
    fetch_table,
    parse_table,
    read_chunks,
    table_digest,
)
from jettison.layer.header import FILE, format_entry
from jettison.layer.unpack import unpack
from jettison.oci.digest import Digest, sha256_digest
from jettison.oci.manifest import Descriptor
from jettison.snapshot.base import LayerStore
from jettison.snapshot.outline import Outline, read_outline
from jettison.store.layer import LayerId
from jettison.store.store import Store

_OPEN = os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
_AT_ONCE_BYTES = 64 << 20
_QUESTION = b"jettison-table-1\0"


class Tables:
    """Opens tables of contents of layers.

    Args:
        store: Knows where blobs are, and keeps tables.
        layer_store: Makes directories.
        remote: Has ranges of blobs.
    """

    def __init__(self, store: Store, layer_store: LayerStore, remote: RemoteBlobs) -> None:
        self._answers = AnswerMemo(store.database)
        self._store = store
        self._layer_store = layer_store
        self._remote = remote

    def open(self, layer: LayerId, digest: Digest, report: Progress) -> TableLayer | None:
        """Return a layer by its table; None if its blob is here, or the table is of no use.

        Args:
            layer: An image's.
            digest: Of the table, as that image says.
            report: Called with bytes that are fetched, under the digest of the blob.

        Raises:
            StorageError: no space.
        """
        blob = self._store.layers.find(layer).blob
        if blob is None or not blob.source or table_digest(blob.descriptor) != digest:
            return None
        descriptor, source = blob.descriptor, blob.source

        def read(start: int, length: int) -> bytes:
            data = self._remote.read_range(descriptor, source, start, length)
            if data is None:
                raise RegistryError(f"`{source}` gives no ranges of `{descriptor.digest}`")
            report(descriptor.digest, length, length)
            return data

        active = self._layer_store.prepare()
        try:
            table = parse_table(descriptor, self._data(descriptor, digest, read))
            return TableLayer(table, active.upper, self._layer_store.ownership, read)
        except (ContentError, SourceError):
            self._layer_store.discard(active)
            return None  # read as any other, it is what its digests say, or an error
        except BaseException:
            self._layer_store.discard(active)
            raise

    def _data(self, descriptor: Descriptor, digest: Digest, read: ReadRange) -> bytes:
        question = sha256_digest(_QUESTION + digest.encode())
        kept = self._answers.find(question)
        if kept is not None and sha256_digest(kept) == digest:
            return kept
        data = fetch_table(descriptor, read)
        self._answers.keep(question, data)
        return data


class TableLayer:
    """The files of one layer; for one thread.

    Args:
        table: Its table of contents.
        directory: Empty; gets its files, without their bytes at first.
        ownership: How owners are kept in it.
        read: Reads ranges of the blob.

    Raises:
        InvalidManifestError: the table leaves a file open.
        UnsafeArchiveError: the entries are none that a layer may have.
        StorageError: the directory cannot be written.
    """

    def __init__(
        self, table: Table, directory: Path, ownership: Ownership, read: ReadRange
    ) -> None:
        self._table = table
        self.directory = directory
        self._ownership = ownership
        self._read = read
        tar = io.BytesIO(b"".join(map(format_entry, table.entries)) + bytes(1024))
        result = unpack(tar, directory, ownership)
        found = read_outline(directory, ownership, result.implied)
        times = {entry.name: entry.mtime_ns for entry in table.entries if entry.kind == FILE}
        self._files: dict[int, TableFile] = {}
        facts: dict[int, tuple[int, int]] = {}
        for path, entry in zip(found.paths, found.entries, strict=True):
            name = os.fsencode(path[1:])
            if entry.is_file and name in table.files:
                self._files[entry.inode] = file = table.files[name]
                facts[entry.inode] = file.size, times[name]
        entries = list(found.entries)
        for number, entry in enumerate(entries):
            if not entry.is_file:
                continue
            if entry.inode not in facts:
                raise InvalidManifestError(
                    f"a table of contents does not say what `{found.paths[number]}` holds"
                )
            size, mtime_ns = facts[entry.inode]
            entries[number] = msgspec.structs.replace(entry, size=size, mtime_ns=mtime_ns)
        self.outline: Outline = msgspec.structs.replace(found, entries=entries)

    def digest(self, path: str) -> bytes:
        """Return the sha256 of a file (raw), as far as the table says it; else nothing."""
        file = self._file(path)
        if file is None:
            return b""
        if file.digest or len(file.chunks) != 1:
            return file.digest
        digest = file.chunks[0].digest
        return bytes.fromhex(digest.partition(":")[2])

    def fill(self, paths: Iterable[str]) -> None:
        """Fetch the bytes of files and write them.

        Raises:
            ContentError: they are others than the table says.
            SourceError: they cannot be had.
            OSError: they cannot be written.
        """
        batch: list[tuple[str, TableFile]] = []
        size = 0
        for path in paths:
            file = self._file(path)
            if file is None or not file.chunks:
                continue
            batch.append((path, file))
            size += file.size
            if size >= _AT_ONCE_BYTES:
                self._write(batch)
                batch, size = [], 0
        self._write(batch)

    def _file(self, path: str) -> TableFile | None:
        return self._files.get(self.outline.entries[self.outline.numbers[path]].inode)

    def _pieces(self, chunks: Sequence[Chunk]) -> Iterator[bytes]:
        """Yield the bytes of chunks, of which few are in memory at a time."""
        part: list[Chunk] = []
        size = 0
        for chunk in chunks:
            part.append(chunk)
            size += chunk.size
            if size >= _AT_ONCE_BYTES:
                yield from read_chunks(self._table, part, self._read)
                part, size = [], 0
        yield from read_chunks(self._table, part, self._read)

    def _write(self, batch: list[tuple[str, TableFile]]) -> None:
        chunks = [chunk for _, file in batch for chunk in file.chunks]
        data = self._pieces(chunks)
        for path, file in batch:
            entry = self.outline.entries[self.outline.numbers[path]]
            descriptor = os.open(f"{self.directory}{path}", _OPEN)
            try:
                found = hashlib.sha256()
                for _ in file.chunks:
                    found.update(piece := next(data))
                    write_all(descriptor, piece)
                # Steps are keyed by it: another image may have a file that really has it.
                if file.digest and found.digest() != file.digest:
                    raise DigestMismatchError(
                        f"`{path}` is another file than its table of contents says",
                        hint="make the image again, or build without its table",
                    )
                # Writing cleared what a program may do beyond its user.
                self._ownership.set_mode(descriptor, entry.mode & 0o7777)
                for name, value in self.outline.xattrs.get(entry.inode, {}).items():
                    os.setxattr(descriptor, name, value)
                os.utime(descriptor, ns=(entry.mtime_ns, entry.mtime_ns))
            finally:
                os.close(descriptor)

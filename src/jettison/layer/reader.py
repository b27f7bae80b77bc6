"""Reading a tar stream entry by entry, with few copies.

In:  a stream of an uncompressed archive (``read(n) -> bytes``; short reads are fine).
Out: ``TarEntry`` values in the order of the archive, and the data of the current one in pieces.

Long names (GNU ``L``/``K``, pax ``path``/``linkpath``), big numbers, times, extended attributes
and sparse maps of the headers before an entry are merged into it. Of a global pax header, sizes,
names and sparse maps are ignored: no sane archive has them, and programs disagree about them.

Security: headers are bounded (1 MiB each), counts and sizes by ``ArchiveLimits``.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from typing import Protocol

import msgspec

from jettison.errors import SourceError, UnsafeArchiveError
from jettison.layer.header import (
    BLOCK,
    FILE,
    TarEntry,
    check_ranges,
    malformed,
    parse_block,
    show,
)
from jettison.layer.limits import DEFAULT_LIMITS, ArchiveLimits
from jettison.layer.pax import parse_pax, pax_integer, pax_time_ns
from jettison.layer.sparse import data_map, old_map, pax_map

CHUNK_BYTES = 4 << 20
_MAX_HEADER_BYTES = 1 << 20
_ZEROS = bytes(BLOCK)
_XATTR = b"SCHILY.xattr."
_BEFORE = frozenset({b"x", b"X", b"g", b"L", b"K"})
_EXTENDED = _BEFORE | {b"S"}
_NOT_GLOBAL = (b"path", b"linkpath", b"size", b"GNU.sparse.")


class Readable(Protocol):
    """What a stream must be able to do."""

    def read(self, size: int, /) -> bytes:
        """Return up to ``size`` bytes, none at the end."""
        ...


class TarReader:
    """Reads one archive from front to back.

    Args:
        stream: The uncompressed archive.
        limits: What is refused.
    """

    def __init__(self, stream: Readable, limits: ArchiveLimits = DEFAULT_LIMITS) -> None:
        self._stream = stream
        self._limits = limits
        self._buffer = b""
        self._position = 0
        self._buffer_offset = 0
        self._remaining = 0
        self._padding = 0
        self._entries = 0
        self._holes = 0
        self._bytes = 0
        self._global: dict[bytes, bytes] = {}
        self._ended = False

    def __iter__(self) -> Iterator[TarEntry]:
        """Yield the entries; the data of one must be read before the next is asked for."""
        while (entry := self.next()) is not None:
            yield entry

    def next(self) -> TarEntry | None:
        """Return the next entry, or None at the end; unread data of the last one is skipped.

        Raises:
            UnsafeArchiveError: a header is malformed, or a limit is exceeded.
            SourceError: the stream cannot be read.
        """
        if self._ended:
            return None
        self._skip(self._remaining + self._padding)
        offset = self._buffer_offset + self._position
        block = self._block()
        if block is None:
            self._ended = True
            return None
        entry = parse_block(block, offset)
        if entry.kind in _EXTENDED or self._global:
            return self._extended(entry, block)
        self._remaining = entry.stored_size
        self._padding = -entry.stored_size % BLOCK
        return self._checked(entry)

    @property
    def data_offset(self) -> int:
        """Where the unread bytes of the current entry begin in the stream."""
        return self._buffer_offset + self._position

    def data(self) -> Iterator[memoryview]:
        """Yield the stored bytes of the current entry in pieces that are valid until the next.

        Raises:
            UnsafeArchiveError: the archive ends before the data does.
            SourceError: the stream cannot be read.
        """
        while self._remaining:
            available = len(self._buffer) - self._position
            if not available:
                self._need(1)
                continue
            size = min(available, self._remaining)
            start = self._position
            self._position += size
            self._remaining -= size
            yield memoryview(self._buffer)[start : start + size]

    def drain(self) -> None:
        """Read the stream to its end, whatever follows the archive's end.

        Raises:
            SourceError: the stream cannot be read.
        """
        self._buffer = b""
        self._position = 0
        while self._read():
            pass

    def _extended(self, entry: TarEntry, block: bytes) -> TarEntry | None:
        """Return the entry that headers before it and old sparse maps describe further.

        There is none behind a global header at the end: git makes such archives of empty trees.
        """
        records: list[tuple[bytes, bytes]] = []
        changes: dict[str, bytes] = {}
        while entry.kind in _BEFORE:
            data = self._header_data(entry)
            if entry.kind == b"L":
                changes["name"] = data.partition(b"\0")[0]
            elif entry.kind == b"K":
                changes["link"] = data.partition(b"\0")[0]
            elif entry.kind == b"g":
                found = parse_pax(data, entry.offset)
                self._global.update(pair for pair in found if not pair[0].startswith(_NOT_GLOBAL))
            else:
                records += parse_pax(data, entry.offset)
            offset = self._buffer_offset + self._position
            next_block = self._block()
            if next_block is None:
                if records or changes:
                    raise malformed("no entry follows", offset)
                self._ended = True
                return None
            block = next_block
            entry = parse_block(block, offset)
        if changes:
            entry = msgspec.structs.replace(entry, **changes)
        if self._global or records:
            entry = _with_records(entry, {**self._global, **dict(records)})
        self._remaining = entry.stored_size
        self._padding = -entry.stored_size % BLOCK
        if entry.kind == b"S":
            real_size, regions = old_map(block, self._must_block, entry.stored_size, entry.offset)
            entry = msgspec.structs.replace(entry, kind=FILE, size=real_size, sparse=regions)
        elif any(key.startswith(b"GNU.sparse.") for key, _ in records):
            entry = self._sparse(entry, records)
        return self._checked(entry)

    def _checked(self, entry: TarEntry) -> TarEntry:
        check_ranges(entry)
        self._entries += 1
        self._bytes += max(entry.size, entry.stored_size)
        if self._entries > self._limits.max_entries:
            raise UnsafeArchiveError(
                f"the archive has more than {self._limits.max_entries} entries",
                hint="do not use this archive unless you know who made it",
            )
        if self._bytes > self._limits.max_bytes:
            raise UnsafeArchiveError(
                f"`{show(entry.name)}` makes the archive larger than"
                f" {self._limits.max_bytes} bytes",
                hint="do not use this archive unless you know who made it",
            )
        if entry.sparse is not None:
            self._holes += entry.size - entry.stored_size
            if self._holes > self._limits.max_holes:
                raise UnsafeArchiveError(
                    f"the sparse file `{show(entry.name)}` brings the archive to more than"
                    f" {self._limits.max_holes >> 30} GiB of holes",
                    hint="do not use this archive unless you know who made it",
                )
        return entry

    def _sparse(self, entry: TarEntry, records: list[tuple[bytes, bytes]]) -> TarEntry:
        facts = dict(records)
        name = facts.get(b"GNU.sparse.name", entry.name)
        size = facts.get(b"GNU.sparse.realsize", facts.get(b"GNU.sparse.size"))
        if size is None or entry.kind != FILE:
            raise malformed("a sparse file has no size", entry.offset)
        real_size = pax_integer(size, "the real size", entry.offset)
        if facts.get(b"GNU.sparse.major") == b"1":
            regions, used = data_map(self._data_block, real_size, entry.stored_size, entry.offset)
            stored = entry.stored_size - used
        else:
            stored = entry.stored_size
            regions = pax_map(records, real_size, stored, entry.offset)
        return msgspec.structs.replace(
            entry, name=name, size=real_size, sparse=regions, stored_size=stored
        )

    def _header_data(self, entry: TarEntry) -> bytes:
        if entry.stored_size > _MAX_HEADER_BYTES:
            raise malformed("an extended header is too large", entry.offset)
        self._need(entry.stored_size)
        start = self._position
        self._position += entry.stored_size
        data = self._buffer[start : self._position]
        self._skip(-entry.stored_size % BLOCK)
        return data

    def _block(self) -> bytes | None:
        """Return the next header block, or None at the end of the archive."""
        start = self._position
        if len(self._buffer) - start < BLOCK:
            if not self._fill(BLOCK):
                if len(self._buffer) > self._position:
                    raise malformed("the archive ends", self._buffer_offset + self._position)
                return None
            start = self._position
        block = self._buffer[start : start + BLOCK]
        self._position = start + BLOCK
        return None if block == _ZEROS else block

    def _must_block(self) -> bytes:
        self._need(BLOCK)
        start = self._position
        self._position += BLOCK
        return self._buffer[start : start + BLOCK]

    def _data_block(self) -> bytes:
        # The last block of data may lack its padding in the count, never in the archive.
        taken = min(BLOCK, self._remaining)
        self._padding -= BLOCK - taken
        self._remaining -= taken
        return self._must_block()

    def _need(self, size: int) -> None:
        if not self._fill(size):
            raise UnsafeArchiveError(
                f"the archive ends early, at byte {self._buffer_offset + len(self._buffer)}",
                hint="fetch or make the archive again; it is truncated",
            )

    def _fill(self, size: int) -> bool:
        """Make ``size`` bytes available at the position; False when the stream ends before."""
        if len(self._buffer) - self._position >= size:
            return True
        rest = self._buffer[self._position :]
        self._buffer_offset += self._position
        self._position = 0
        pieces = [rest] if rest else []
        have = len(rest)
        while have < size:
            piece = self._read()
            if not piece:
                break
            pieces.append(piece)
            have += len(piece)
        self._buffer = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        return have >= size

    def _skip(self, size: int) -> None:
        available = len(self._buffer) - self._position
        while size > available:
            size -= available
            self._position = len(self._buffer)
            self._need(1)
            available = len(self._buffer)
        self._position += size

    def _read(self) -> bytes:
        try:
            return self._stream.read(CHUNK_BYTES)
        except OSError as error:
            raise SourceError(
                f"cannot read the archive: {error.strerror or error}",
                hint="check the disk or the connection that the archive comes from",
            ) from error


def _with_records(entry: TarEntry, records: dict[bytes, bytes]) -> TarEntry:
    """Return an entry with what pax records say; an empty value means the header's own."""
    changes: dict[str, object] = {}
    xattrs: dict[str, bytes] = {}
    for key, value in records.items():
        if key.startswith(_XATTR):
            name = key[len(_XATTR) :].replace(b"%3D", b"=").replace(b"%25", b"%")
            xattrs[name.decode("utf-8", "surrogateescape")] = value
        elif not value:
            continue
        elif key == b"path":
            changes["name"] = value
        elif key == b"linkpath":
            changes["link"] = value
        elif key == b"mtime":
            changes["mtime_ns"] = pax_time_ns(value, entry.offset)
        elif key in (b"uid", b"gid"):
            changes[key.decode()] = pax_integer(value, "an owner", entry.offset)
        elif key == b"size" and (entry.stored_size or entry.kind == FILE):
            size = pax_integer(value, "the size", entry.offset)
            changes["size"] = changes["stored_size"] = size
    if xattrs:
        changes["xattrs"] = xattrs
    return msgspec.structs.replace(entry, **changes) if changes else entry


_TYPES = {
    b"0": stat.S_IFREG,
    b"1": stat.S_IFREG,
    b"2": stat.S_IFLNK,
    b"3": stat.S_IFCHR,
    b"4": stat.S_IFBLK,
    b"5": stat.S_IFDIR,
    b"6": stat.S_IFIFO,
}


def file_type(kind: bytes) -> int:
    """Return the ``S_IF…`` bits of a kind; a hard link counts as a file."""
    return _TYPES[kind]


def write_data(reader: TarReader, entry: TarEntry, descriptor: int) -> None:
    """Write the data of the current entry to an empty file; holes stay holes.

    Raises:
        UnsafeArchiveError: the archive ends before the data does.
        SourceError: the stream cannot be read.
        OSError: the file cannot be written.
    """
    if entry.sparse is None:
        for piece in reader.data():
            written = os.write(descriptor, piece)
            while written < len(piece):
                written += os.write(descriptor, piece[written:])
        return
    os.ftruncate(descriptor, entry.size)
    regions = iter(entry.sparse)
    offset = left = 0
    for piece in reader.data():
        done = 0
        while done < len(piece):
            if not left:
                offset, left = next(regions)
            written = os.pwrite(descriptor, piece[done : done + left], offset)
            done += written
            offset += written
            left -= written

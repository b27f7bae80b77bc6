"""Writing eStargz layers: gzip in pieces, with a table of contents, so that files are read alone.

In:  a layer's tar in a file.
Out: the blob; its diff ID and the annotations of its descriptor. The same for the same tar, on
     every machine with the same zlib.

A blob is a sequence of gzip members. The bytes of each file begin a member, and each 4 MiB of
larger files do, so that they are found by an offset. The tar is kept as it is, its end included;
behind that end there is one more entry with the table of contents, which readers of tars never
come to, and a footer of 51 bytes that says where it begins. The diff ID is that of all of it.

Source: stargz-snapshotter, docs/estargz.md; BuildKit's exporter writes the same form.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import struct
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from typing import BinaryIO

import msgspec

from jettison.concurrency import processors
from jettison.layer.header import (
    BLOCK,
    CHARACTER,
    DEVICE_BLOCK,
    DIRECTORY,
    FIFO,
    FILE,
    HARD_LINK,
    SYMLINK,
    TarEntry,
    format_entry,
)
from jettison.layer.reader import TarReader
from jettison.oci.digest import Digest
from jettison.oci.manifest import TOC_DIGEST

UNCOMPRESSED_SIZE = "io.containers.estargz.uncompressed-size"
"""Annotation of a layer: bytes of its tar."""

TOC_NAME = b"stargz.index.json"
CHUNK_BYTES = 4 << 20
DEFAULT_LEVEL = 6

_AHEAD = 4
_MAX_SECONDS = 253402300799
_GZIP_HEADER = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
_FOOTER_HEADER = b"\x1f\x8b\x08\x04\0\0\0\0\0\xff"
_EMPTY = b"\x01\0\0\xff\xff" + bytes(8)
"""A stored block without bytes, their checksum and count."""

_KINDS = {
    DIRECTORY: "dir",
    FILE: "reg",
    SYMLINK: "symlink",
    HARD_LINK: "hardlink",
    CHARACTER: "char",
    DEVICE_BLOCK: "block",
    FIFO: "fifo",
}

Write = Callable[[bytes], object]


class _Entry(msgspec.Struct, omit_defaults=True, rename="camel"):
    """An entry of the table; names of fields are the format's."""

    name: str
    type: str
    size: int = 0
    modtime: str = ""
    link_name: str = ""
    mode: int = 0
    uid: int = 0
    gid: int = 0
    offset: int = 0
    dev_major: int = 0
    dev_minor: int = 0
    xattrs: dict[str, bytes] = {}
    digest: str = ""
    chunk_offset: int = 0
    chunk_size: int = 0
    chunk_digest: str = ""


class _Table(msgspec.Struct):
    version: int
    entries: list[_Entry]


class _Member(msgspec.Struct, frozen=True):
    """A part of the tar that becomes a gzip member; ``entry`` has it, if it begins with a chunk."""

    start: int
    end: int
    entry: _Entry | None


def write_estargz(
    tar: BinaryIO, write: Write, level: int | None = None
) -> tuple[Digest, dict[str, str]] | None:
    """Write a layer as eStargz.

    Args:
        tar: The layer, from its beginning, whatever the position is; it can seek.
        write: Takes the blob piece by piece.
        level: Of zlib, 0 to 9; None is its default.

    Returns:
        The diff ID and the annotations of the blob; None, with nothing written, for a tar that can
        have no table: one with sparse files, or with a file that has the table's name.

    Raises:
        UnsafeArchiveError: the tar is malformed.
        OSError: it cannot be read.
    """
    tar.seek(0)
    table = _Table(1, [])
    members: list[_Member] = []
    if not _survey(tar, table, members):
        return None
    compress = _compressor(DEFAULT_LEVEL if level is None else level)
    diff_id = hashlib.sha256()
    offset = size = 0
    for member, data, packed in _packed(tar, members, compress):
        if member.entry is not None:
            member.entry.offset = offset
        diff_id.update(data)
        size += len(data)
        write(packed)
        offset += len(packed)
    toc = msgspec.json.format(msgspec.json.encode(table), indent=1)
    header = format_entry(TarEntry(TOC_NAME, FILE, 0o444, 0, 0, len(toc), 0, stored_size=len(toc)))
    last = header + toc + bytes(-len(toc) % BLOCK + 2 * BLOCK)
    diff_id.update(last)
    write(compress(last))
    write(_footer(offset))
    annotations = {
        TOC_DIGEST: f"sha256:{hashlib.sha256(toc).hexdigest()}",
        UNCOMPRESSED_SIZE: str(size + len(last)),
    }
    return Digest(f"sha256:{diff_id.hexdigest()}"), annotations


def _survey(tar: BinaryIO, table: _Table, members: list[_Member]) -> bool:
    """Fill the table, but for offsets, and cut the tar; tell whether that can be done."""
    reader = TarReader(tar)
    start = 0
    pending: _Entry | None = None
    for entry in reader:
        if entry.sparse is not None or entry.name.rstrip(b"/") == TOC_NAME:
            return False
        found = _described(entry)
        table.entries.append(found)
        if entry.kind != FILE:
            continue
        chunks, digest = _chunks(reader, entry.size, found)
        found.digest = f"sha256:{digest}"
        table.entries += [each for _, each in chunks[1:]]
        for offset, chunk in chunks:
            if offset > start:
                members.append(_Member(start, offset, pending))
                start = offset
            pending = chunk
    tar.seek(0, 2)
    members.append(_Member(start, tar.tell(), pending))
    return True


def _chunks(reader: TarReader, size: int, first: _Entry) -> tuple[list[tuple[int, _Entry]], str]:
    """Return where the chunks of a file begin, with their entries, and the digest of its bytes."""
    chunks: list[tuple[int, _Entry]] = []
    whole = hashlib.sha256()
    begin = reader.data_offset
    part = hashlib.sha256()
    in_part = done = 0
    for piece in reader.data():
        whole.update(piece)
        rest = piece
        while rest:
            taken = rest[: CHUNK_BYTES - in_part]
            part.update(taken)
            in_part += len(taken)
            rest = rest[len(taken) :]
            if in_part == CHUNK_BYTES or done + in_part == size:
                entry = first if not done else _Entry(first.name, "chunk")
                entry.chunk_offset = done
                entry.chunk_size = in_part if in_part < size else 0
                entry.chunk_digest = f"sha256:{part.hexdigest()}"
                chunks.append((begin + done, entry))
                done += in_part
                in_part = 0
                part = hashlib.sha256()
    return chunks, whole.hexdigest()


def _described(entry: TarEntry) -> _Entry:
    major, minor = entry.device
    return _Entry(
        name=_text(entry.name),
        type=_KINDS.get(entry.kind, "reg"),
        size=entry.size if entry.kind == FILE else 0,
        modtime=_time(entry.mtime_ns // 1_000_000_000),
        link_name=_text(entry.link),
        mode=entry.mode,
        uid=entry.uid,
        gid=entry.gid,
        dev_major=major,
        dev_minor=minor,
        xattrs={_text(os.fsencode(key)): entry.xattrs[key] for key in sorted(entry.xattrs)},
    )


def _time(seconds: int) -> str:
    """Return a time as RFC 3339 text; the epoch, and what such texts cannot say, is left out."""
    if not 0 < seconds <= _MAX_SECONDS:
        return ""
    return f"{dt.datetime.fromtimestamp(seconds, dt.UTC):%Y-%m-%dT%H:%M:%SZ}"


def _text(name: bytes) -> str:
    return name.decode("utf-8", "replace")


def _packed(
    tar: BinaryIO, members: list[_Member], compress: Callable[[bytes], bytes]
) -> Iterator[tuple[_Member, bytes, bytes]]:
    """Yield members with their bytes, plain and compressed, which threads do ahead."""
    from concurrent.futures import Future, ThreadPoolExecutor

    threads = max(1, processors())
    pending: deque[tuple[_Member, bytes, Future[bytes]]] = deque()
    with ThreadPoolExecutor(threads, thread_name_prefix="layer-estargz") as pool:
        for member in members:
            tar.seek(member.start)
            data = tar.read(member.end - member.start)
            pending.append((member, data, pool.submit(compress, data)))
            while len(pending) > threads * _AHEAD:
                done, plain, future = pending.popleft()
                yield done, plain, future.result()
        while pending:
            done, plain, future = pending.popleft()
            yield done, plain, future.result()


def _compressor(level: int) -> Callable[[bytes], bytes]:
    """Return a function that makes a gzip member of bytes; zlib's, whatever the processor."""

    def compress(data: bytes) -> bytes:
        stream = zlib.compressobj(level, zlib.DEFLATED, -15)
        trailer = struct.pack("<LL", zlib.crc32(data), len(data) & 0xFFFFFFFF)
        return b"".join((_GZIP_HEADER, stream.compress(data), stream.flush(), trailer))

    return compress


def _footer(offset: int) -> bytes:
    """Return the end of a blob: an empty gzip member that says where the table begins."""
    text = b"%016xSTARGZ" % offset
    extra = b"SG" + struct.pack("<H", len(text)) + text
    return _FOOTER_HEADER + struct.pack("<H", len(extra)) + extra + _EMPTY

"""Tables of contents of layers: what is in a blob, and which bytes of it are which file's.

In:  descriptors whose annotations name a table, ranges of the blob.
Out: ``Table``: entries as of a tar, and chunks of files, each with its digest.

Source: eStargz specification (stargz-snapshotter, docs/estargz.md); zstd:chunked as
containers/storage writes it (docs/containers-storage-zstd-chunked.md).
Security: a table counts when it has the digest that the manifest's annotation says, and a chunk
when it has the digest that the table says; sizes are bounded. That the table tells of the tar in
the same blob is not checked, so nothing found by it may be remembered under the tar's digest.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import io
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import msgspec

from jettison.errors import ContentError, DigestMismatchError, InvalidManifestError
from jettison.layer.decompress import open_decompressed
from jettison.layer.header import (
    CHARACTER,
    DEVICE_BLOCK,
    DIRECTORY,
    FIFO,
    FILE,
    HARD_LINK,
    SYMLINK,
    TarEntry,
)
from jettison.layer.names import clean_name
from jettison.layer.reader import TarReader
from jettison.oci.digest import Digest, parse_digest, raw, sha256_digest
from jettison.oci.manifest import TOC_DIGEST, Descriptor

_CHUNKED = (
    "io.github.containers.zstd-chunked.manifest",
    "io.containers.zstd-chunked.manifest",
)
_FOOTER_BYTES = 51
_MAX_TABLE_BYTES = 64 << 20
_MAX_TABLE_JSON_BYTES = 256 << 20
_MAX_CHUNK_BYTES = 64 << 20
_KINDS = {
    "dir": DIRECTORY,
    "reg": FILE,
    "symlink": SYMLINK,
    "hardlink": HARD_LINK,
    "char": CHARACTER,
    "block": DEVICE_BLOCK,
    "fifo": FIFO,
}

ReadRange = Callable[[int, int], bytes]
"""Returns so many bytes of the blob from an offset on."""


class Chunk(msgspec.Struct, frozen=True, gc=False):
    """A part of a file.

    Args:
        start, end: Where it is in the blob, compressed; ``end`` may be behind it.
        skip: Bytes before it of what comes out there.
        at: Where it is in the file.
        size: Bytes of it.
        digest: Of these; empty for zeros, which are nowhere in the blob.
    """

    start: int
    end: int
    skip: int
    at: int
    size: int
    digest: str


class TableFile(msgspec.Struct, frozen=True):
    """The bytes of a regular file; ``digest`` is raw sha256, empty if only its chunks have one."""

    size: int
    chunks: tuple[Chunk, ...]
    digest: bytes = b""


class Table(msgspec.Struct, frozen=True):
    """A table of contents.

    Args:
        compression: Of each chunk.
        entries: As of the tar, files without their bytes: size 0.
        files: Regular files, by path as in ``entries``.
    """

    compression: str
    entries: tuple[TarEntry, ...]
    files: Mapping[bytes, TableFile]


class _Row(msgspec.Struct, rename="camel"):
    """An entry of either form."""

    name: str
    type: str
    size: int = 0
    mode: int = 0
    uid: int = 0
    gid: int = 0
    modtime: str = ""
    link_name: str = ""
    dev_major: int = 0
    dev_minor: int = 0
    xattrs: dict[str, str] | None = None
    digest: str = ""
    offset: int = 0
    end_offset: int = 0
    inner_offset: int = 0
    chunk_offset: int = 0
    chunk_size: int = 0
    chunk_digest: str = ""
    chunk_type: str = ""


class _Rows(msgspec.Struct):
    version: int
    entries: list[_Row]


def table_digest(descriptor: Descriptor) -> Digest | None:
    """Return the digest of a layer's table of contents, None if it has none."""
    notes = descriptor.annotations
    names = (TOC_DIGEST, *(f"{prefix}-checksum" for prefix in _CHUNKED))
    found = next((notes[name] for name in names if name in notes), None)
    try:
        digest = parse_digest(found) if found is not None else None
    except ContentError:
        return None
    return digest if digest is not None and digest.startswith("sha256:") else None


def fetch_table(descriptor: Descriptor, read: ReadRange) -> bytes:
    """Return the bytes of a layer's table that have its digest (``table_digest``).

    Raises:
        ContentError: it is not where it should be, is another, or too large.
        SourceError: it cannot be read.
    """
    if TOC_DIGEST in descriptor.annotations:
        data = _stargz_table(descriptor, read)
    else:
        prefix = next(each for each in _CHUNKED if f"{each}-checksum" in descriptor.annotations)
        numbers = descriptor.annotations.get(f"{prefix}-position", "").split(":")
        if len(numbers) < 3 or not all(each.isdigit() for each in numbers):
            raise InvalidManifestError("the position of a table of contents is no such thing")
        start, size = int(numbers[0]), int(numbers[1])
        _check(descriptor, start, start + size, _MAX_TABLE_BYTES)
        data = read(start, size)
    wanted = table_digest(descriptor)
    if sha256_digest(data) != wanted:
        raise DigestMismatchError(
            f"the table of contents of `{descriptor.digest}` is another one than `{wanted}`",
            hint="the registry or a proxy changes content",
        )
    return data


def parse_table(descriptor: Descriptor, data: bytes) -> Table:
    """Return a table of contents from its verified bytes.

    Raises:
        ContentError: it makes no sense.
    """
    stargz = TOC_DIGEST in descriptor.annotations
    if not stargz:
        data = _bounded(data, "zstd", _MAX_TABLE_JSON_BYTES)
    try:
        rows = msgspec.json.decode(data, type=_Rows).entries
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidManifestError(f"a table of contents that cannot be read: {error}") from error
    entries: list[TarEntry] = []
    pieces: dict[bytes, list[_Row]] = {}
    for row in rows:
        name = clean_name(row.name.encode("utf-8", "surrogateescape"))
        if row.type == "chunk":
            pieces.setdefault(name, []).append(row)
            continue
        if row.type not in _KINDS:
            raise InvalidManifestError(f"a table of contents has an entry of type `{row.type}`")
        entries.append(_entry(row, name))
        if row.type == "reg":
            pieces[name] = [row]
    ends = _ends(descriptor, rows) if stargz else {}
    files = {name: _file(descriptor, each, ends) for name, each in pieces.items()}
    return Table("gzip" if stargz else "zstd", tuple(entries), files)


def read_chunks(table: Table, chunks: Sequence[Chunk], read: ReadRange) -> list[bytes]:
    """Return the bytes of chunks in their order, verified; neighbours are read at once.

    Raises:
        DigestMismatchError: one is another than the table says.
        SourceError: they cannot be read.
    """
    found: dict[Chunk, bytes] = {}
    for group in _groups(sorted(set(chunks), key=lambda each: (each.start, each.skip))):
        start = group[0].start
        data = read(start, max(each.end for each in group) - start)
        for chunk in group:
            part = data[chunk.start - start : chunk.end - start]
            found[chunk] = _chunk(table, chunk, part)
    return [bytes(each.size) if not each.digest else found[each] for each in chunks]


def _groups(chunks: Sequence[Chunk]) -> list[list[Chunk]]:
    groups: list[list[Chunk]] = []
    end = -1
    for chunk in chunks:
        if not chunk.digest:
            continue
        fits = groups and max(end, chunk.end) - groups[-1][0].start <= _MAX_CHUNK_BYTES
        if fits and chunk.start <= end + _GAP_BYTES:
            groups[-1].append(chunk)
        else:
            groups.append([chunk])
            end = -1
        end = max(end, chunk.end)
    return groups


_GAP_BYTES = 64 << 10
"""Reading so much in vain costs less than another request."""


def _chunk(table: Table, chunk: Chunk, data: bytes) -> bytes:
    with open_decompressed(io.BytesIO(data), table.compression) as stream:
        left = chunk.skip
        while left and (skipped := stream.read(left)):
            left -= len(skipped)
        pieces: list[bytes] = []
        left = chunk.size
        while left and (piece := stream.read(left)):
            pieces.append(piece)
            left -= len(piece)
    found = b"".join(pieces)
    if f"sha256:{hashlib.sha256(found).hexdigest()}" != chunk.digest:
        raise DigestMismatchError(
            f"a part of a layer is another than its table of contents says (`{chunk.digest}`)",
            hint="the registry or a proxy changes content",
        )
    return found


def _stargz_table(descriptor: Descriptor, read: ReadRange) -> bytes:
    """Read the table of an eStargz layer: its footer says where it is, as a tar of one file."""
    _check(descriptor, descriptor.size - _FOOTER_BYTES, descriptor.size, _FOOTER_BYTES)
    footer = read(descriptor.size - _FOOTER_BYTES, _FOOTER_BYTES)
    said = footer[16:38]
    if footer[12:14] != b"SG" or said[16:] != b"STARGZ":
        raise InvalidManifestError(f"`{descriptor.digest}` has no footer of eStargz")
    try:
        start = int(said[:16], 16)
    except ValueError as error:
        raise InvalidManifestError("a footer of eStargz is damaged") from error
    end = descriptor.size - _FOOTER_BYTES
    _check(descriptor, start, end, _MAX_TABLE_BYTES)
    tar = io.BytesIO(_bounded(read(start, end - start), "gzip", _MAX_TABLE_JSON_BYTES))
    reader = TarReader(tar)
    reader.next()
    return b"".join(map(bytes, reader.data()))


def _check(descriptor: Descriptor, start: int, end: int, most: int) -> None:
    if not 0 <= start <= end <= descriptor.size or end - start > most:
        raise InvalidManifestError(
            f"a table of contents of `{descriptor.digest}` names bytes {start} to {end}"
        )


def _bounded(data: bytes, compression: str, most: int) -> bytes:
    pieces: list[bytes] = []
    size = 0
    with open_decompressed(io.BytesIO(data), compression) as stream:
        while piece := stream.read(1 << 20):
            size += len(piece)
            if size > most:
                raise InvalidManifestError(f"a table of contents is larger than {most >> 20} MiB")
            pieces.append(piece)
    return b"".join(pieces)


def _entry(row: _Row, name: bytes) -> TarEntry:
    xattrs: dict[str, bytes] = {}
    try:
        for key, value in (row.xattrs or {}).items():
            xattrs[key] = base64.b64decode(value, validate=True)
        mtime_ns = _time_ns(row.modtime)
    except (binascii.Error, ValueError) as error:
        raise InvalidManifestError(f"a table of contents has a damaged entry: {error}") from error
    return TarEntry(
        name,
        _KINDS[row.type],
        row.mode & 0o7777,
        row.uid,
        row.gid,
        0,
        mtime_ns,
        row.link_name.encode("utf-8", "surrogateescape"),
        (row.dev_major, row.dev_minor),
        xattrs,
    )


def _time_ns(text: str) -> int:
    """Return a time of RFC 3339 in nanoseconds since the epoch; an empty one is 0."""
    if not text:
        return 0
    whole, _, rest = text.partition(".")
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    zone = rest[len(digits) :] if rest else ""
    seconds = int(dt.datetime.fromisoformat(whole + zone).timestamp())
    return seconds * 10**9 + int(digits[:9].ljust(9, "0") or 0)


def _ends(descriptor: Descriptor, rows: Sequence[_Row]) -> dict[int, int]:
    """Return by offset of a compressed stream where the next one starts."""
    starts = sorted({row.offset for row in rows if row.offset > 0} | {0})
    return dict(pairwise([*starts, descriptor.size - _FOOTER_BYTES]))


def _file(descriptor: Descriptor, rows: Sequence[_Row], ends: Mapping[int, int]) -> TableFile:
    """Return where the bytes of a file are; its first row is the file's own."""
    own = rows[0]
    chunks: list[Chunk] = []
    for number, row in enumerate(rows if own.size else ()):
        last = number == len(rows) - 1
        size = row.chunk_size or (own.size - row.chunk_offset if last else 0)
        # zstd:chunked says where the file ends, and of its chunks where they start.
        follows = own.end_offset if last else rows[number + 1].offset
        end = ends.get(row.offset, follows)
        digest = row.chunk_digest or (own.digest if len(rows) == 1 else "")
        if row.chunk_type == "zeros":
            digest = ""
        elif not digest.startswith("sha256:"):
            raise InvalidManifestError("a table of contents has a chunk without a digest")
        if size < 0 or size > _MAX_CHUNK_BYTES or row.inner_offset < 0:
            raise InvalidManifestError("a table of contents has a chunk of an impossible size")
        if digest:
            _check(descriptor, row.offset, end, _MAX_CHUNK_BYTES)
        chunks.append(Chunk(row.offset, end, row.inner_offset, row.chunk_offset, size, digest))
    at = 0
    for chunk in chunks:
        if chunk.at != at:
            raise InvalidManifestError("chunks of a table of contents do not make a file")
        at += chunk.size
    if at != own.size:
        raise InvalidManifestError("chunks of a table of contents do not make a file")
    return TableFile(own.size, tuple(chunks), raw(parse_digest(own.digest)) if own.digest else b"")

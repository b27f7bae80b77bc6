"""Archives that ADD unpacks: any file that is a tar, however it is compressed.

In:  a file of the build context, a stage or a download.
Out: its entries one by one, with clean names and attributes, and their bytes on request.

A file is an archive when its first header is right: its name does not matter, and neither a
compressed file that is no tar nor an empty tar is one, as with BuildKit. What is damaged further
in is an error, not a file to copy.

Entries come in the order of the archive: parents may come late or never, and a name may come
again. Names of whiteouts (``.wh.``) are ordinary names here.

Source: BuildKit's copy of archives (``AttemptUnpack``); OCI image-spec has no say.
Security: names and hard-link targets never leave the root; symbolic links point anywhere, so
whoever writes the entries must not follow them. Sizes are bounded by ``ArchiveLimits``.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import msgspec

from jettison.errors import InternalError, UnsafeArchiveError
from jettison.layer.decompress import Decompressed, detect, open_decompressed
from jettison.layer.header import BLOCK, HARD_LINK, KINDS, SYMLINK, TarEntry, parse_block
from jettison.layer.limits import DEFAULT_LIMITS, ArchiveLimits
from jettison.layer.names import check_link, clean_name
from jettison.layer.place import contradiction
from jettison.layer.reader import TarReader, file_type, write_data

_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class ArchiveEntry(msgspec.Struct, frozen=True):
    """One entry: facts now, bytes while it is the current one.

    ``name`` is clean and relative, empty for the root. ``mode`` is type and permission bits as in
    ``stat(2)``; a hard link has a regular file's type and ``hard_link`` names its target, clean
    and relative to the root too. ``link`` is a symbolic link's target as written. ``xattrs`` are
    all the archive has: ``fs.xattr.is_image_xattr`` says which belong to images.
    """

    name: str
    mode: int
    uid: int
    gid: int
    size: int
    mtime_ns: int
    rdev: int
    link: str
    hard_link: str
    xattrs: dict[str, bytes]
    _entry: TarEntry
    _archive: Archive

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file that is no hard link."""
        return stat.S_ISREG(self.mode) and not self.hard_link

    @property
    def is_dir(self) -> bool:
        """Whether it is a directory."""
        return stat.S_ISDIR(self.mode)

    @property
    def is_symlink(self) -> bool:
        """Whether it is a symbolic link."""
        return stat.S_ISLNK(self.mode)

    def read(self, limit: int = 1 << 24) -> bytes:
        """Return the bytes of a file; once, before the next entry is asked for.

        Raises:
            UnsafeArchiveError: the archive is damaged, or the file has more than ``limit`` bytes.
        """
        if self.size > limit:
            raise contradiction(self._entry, f"has more than {limit} bytes")
        reader = self._archive.current(self._entry)
        if self._entry.sparse is None:
            return b"".join(reader.data())
        whole = bytearray(self.size)
        stored = b"".join(reader.data())
        start = 0
        for offset, length in self._entry.sparse:
            whole[offset : offset + length] = stored[start : start + length]
            start += length
        return bytes(whole)

    def copy_to(self, descriptor: int) -> None:
        """Write the bytes of a file to an empty one; once, before the next entry is asked for.

        Raises:
            UnsafeArchiveError: the archive is damaged.
            OSError: the file cannot be written.
        """
        write_data(self._archive.current(self._entry), self._entry, descriptor)


class Archive:
    """An open archive; iterate it once, and close it.

    ``compression`` is ``none``, ``gzip``, ``zstd``, ``bzip2`` or ``xz``.
    """

    def __init__(
        self, stream: Decompressed, reader: TarReader, first: TarEntry, descriptor: int
    ) -> None:
        self.compression = stream.compression
        self._stream = stream
        self._reader = reader
        self._next: TarEntry | None = first
        self._current: TarEntry | None = None
        self._descriptor = descriptor

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(self, *exc: object) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._current = self._next = None
        if self._descriptor >= 0:
            self._stream.close()
            os.close(self._descriptor)
            self._descriptor = -1

    def __iter__(self) -> Iterator[ArchiveEntry]:
        """Yield the entries that mean something in a file system.

        Raises:
            UnsafeArchiveError: the archive is damaged or tries to escape.
            SourceError: the file cannot be read.
        """
        while (entry := self._next) is not None:
            if entry.kind in KINDS:
                self._current = entry
                yield self._checked(entry)
            self._next = self._reader.next()

    def current(self, entry: TarEntry) -> TarReader:
        """Return the reader for the data of the current entry.

        Raises:
            InternalError: the entry is not the current one any more.
        """
        if self._current is not entry:
            raise InternalError("bytes of an archive's entry were asked for too late")
        return self._reader

    def _checked(self, entry: TarEntry) -> ArchiveEntry:
        name = os.fsdecode(clean_name(entry.name))
        link = hard_link = ""
        if entry.kind == SYMLINK:
            check_link(entry.name, entry.link)
            link = os.fsdecode(entry.link)
        elif entry.kind == HARD_LINK:
            hard_link = os.fsdecode(clean_name(entry.link))
            if not hard_link:
                raise contradiction(entry, "is a hard link to the root")
        major, minor = entry.device
        if not (0 <= major < 1 << 12 and 0 <= minor < 1 << 20):
            raise contradiction(entry, "has an impossible device number")
        return ArchiveEntry(
            name,
            file_type(entry.kind) | entry.mode,
            entry.uid,
            entry.gid,
            entry.size,
            entry.mtime_ns,
            os.makedev(major, minor),
            link,
            hard_link,
            entry.xattrs,
            entry,
            self,
        )


class _File:
    """A stream over a descriptor that somebody else closes."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def read(self, size: int, /) -> bytes:
        return os.read(self._descriptor, size)


def open_archive(path: str | Path, *, limits: ArchiveLimits = DEFAULT_LIMITS) -> Archive | None:
    """Open a file if it is an archive, else return None.

    Args:
        path: A file of the host; a symbolic link is no archive.
        limits: What is refused while it is read.

    Raises:
        OSError: the file cannot be opened or read.
    """
    if not stat.S_ISREG(os.lstat(path).st_mode):
        return None
    descriptor = os.open(path, _OPEN)
    archive = None
    try:
        archive = _open(descriptor, limits)
    finally:
        if archive is None:
            os.close(descriptor)
    return archive


def _open(descriptor: int, limits: ArchiveLimits) -> Archive | None:
    start = os.pread(descriptor, BLOCK, 0)
    try:
        if detect(start) == "none":
            # Most files that are added are no archives: one block says so.
            if len(start) < BLOCK:
                return None
            parse_block(start, 0)
        stream = open_decompressed(_File(descriptor), limits=limits)
        reader = TarReader(stream, limits)
        first = reader.next()
    except UnsafeArchiveError:
        return None
    if first is None:
        stream.close()
        return None
    return Archive(stream, reader, first, descriptor)

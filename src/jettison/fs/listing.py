"""Listings: the entries of a layer, kept beside its files so that nobody walks it a second time.

In:  entries as whoever commits a layer sees them.
Out: ``Listing``: what each of them is, column by column, and its stored form.

A listing of 24,000 files takes about 200 kB, and 32 bytes more for each digest that is known.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from functools import cached_property
from itertools import compress

import msgspec

from jettison.fs.layer_file import LayerFile
from jettison.fs.overlay_form import is_whiteout

WHITEOUT = 0
"""Mode of an entry that hides a name of the layers below."""

_VERSION = 1
_SMALL_BYTES = 1 << 10
_DIGEST_BYTES = 32
_UNKNOWN = bytes(_DIGEST_BYTES)
_KIND = 0o170000
_MAX_BYTES = 1 << 30


class Listing(msgspec.Struct, frozen=True, dict=True):
    """The entries of a layer but its root, a directory before what is in it.

    Args:
        paths: Absolute, without a slash at the end.
        modes: Type and permission bits; ``WHITEOUT``.
        uids: Owners inside the image.
        gids: Likewise.
        sizes: Bytes of regular files; 0 of others.
        raw_digests: sha256 of regular files, those that are a further name of an inode left out,
            one behind the other; zeros for one that is unknown. Empty if none is known.
        links: Entries that are a further name of an inode, and the entry of its first name.
        targets: Of symbolic links, by entry.
        xattrs: Image attributes, by entry, where there are any.
        devices: Numbers of devices, by entry.
        opaque: Directories that hide all that the layers below have in them; -1 is the root.
    """

    paths: list[str]
    modes: list[int]
    uids: list[int]
    gids: list[int]
    sizes: list[int]
    raw_digests: bytes = b""
    links: dict[int, int] = {}
    targets: dict[int, str] = {}
    xattrs: dict[int, dict[str, bytes]] = {}
    devices: dict[int, int] = {}
    opaque: frozenset[int] = frozenset()

    @cached_property
    def index(self) -> dict[str, int]:
        """Entries by path."""
        return dict(zip(self.paths, range(len(self.paths)), strict=True))

    @cached_property
    def digests(self) -> Mapping[int, bytes]:
        """Raw sha256 of the bytes of files, by entry, as far as they are known."""
        if not self.raw_digests:
            return {}
        regular = [stat.S_ISREG(mode) for mode in self.modes]
        for entry in self.links:
            regular[entry] = False
        found, at = {}, 0
        for entry in compress(range(len(regular)), regular):
            digest = self.raw_digests[at : at + _DIGEST_BYTES]
            at += _DIGEST_BYTES
            if any(digest):
                found[entry] = digest
        found.update((entry, found[first]) for entry, first in self.links.items() if first in found)
        return found

    @property
    def plain(self) -> Listing:
        """The same listing, of which nobody notes what is looked at (``fs.watched``)."""
        return self

    def size(self, entry: int) -> int:
        """Return the bytes of a regular file, 0 of another entry."""
        return self.sizes[entry]

    def digest(self, entry: int) -> bytes:
        """Return the raw sha256 of the bytes of a file, nothing if it is not known."""
        return self.digests.get(entry, b"")

    def look(self, entry: int) -> None:
        """Say that the bytes of a file are looked at."""

    def is_file(self, entry: int) -> bool:
        """Tell whether an entry is a regular file."""
        return stat.S_ISREG(self.modes[entry])

    def is_dir(self, entry: int) -> bool:
        """Tell whether an entry is a directory."""
        return stat.S_ISDIR(self.modes[entry])


class _Columns(msgspec.Struct, frozen=True, array_like=True):
    """The stored form of a listing; paths and targets are bytes, as names need not be UTF-8."""

    version: int
    paths: bytes
    modes: list[int]
    uids: list[int]
    gids: list[int]
    sizes: list[int]
    links: dict[int, int]
    targets: dict[int, bytes]
    xattrs: dict[int, dict[bytes, bytes]]
    devices: dict[int, int]
    opaque: list[int]


class _Stored(msgspec.Struct, frozen=True, array_like=True):
    compressed: bool
    columns: bytes
    digests: bytes


_columns = msgspec.msgpack.Decoder(_Columns)
_stored = msgspec.msgpack.Decoder(_Stored)


class ListingBuilder:
    """Collects the entries of a layer in the order of ``fs.walk``.

    Files are not kept: objects that stay make the garbage collector look at all of them.
    """

    def __init__(self) -> None:
        self._paths: list[bytes] = []
        self._modes: list[int] = []
        self._uids: list[int] = []
        self._gids: list[int] = []
        self._sizes: list[int] = []
        self._digests: list[bytes] = []
        self._first: dict[bytes, bytes] = {}
        self._targets: dict[int, bytes] = {}
        self._xattrs: dict[int, dict[bytes, bytes]] = {}
        self._devices: dict[int, int] = {}
        self._opaque: list[int] = []

    def add(self, file: LayerFile) -> None:
        """Take the next entry."""
        path, st = file.path, file.stat
        mode = st.st_mode
        if file.opaque:
            self._opaque.append(len(self._paths) if path else -1)
        if not path:
            return  # the root
        size = 0
        if mode & _KIND == stat.S_IFREG:
            size = st.st_size
            if not file.first:
                self._digests.append(file.sha256 or _UNKNOWN)
        elif mode & _KIND != stat.S_IFDIR and not file.first:
            mode = self._add_special(file, mode)
        if file.first:
            self._first[path] = file.first
        if file.xattrs:
            names = file.xattrs.items()
            self._xattrs[len(self._paths)] = {os.fsencode(name): value for name, value in names}
        self._paths.append(path)
        self._modes.append(mode)
        self._uids.append(st.st_uid)
        self._gids.append(st.st_gid)
        self._sizes.append(size)

    def stored(self) -> bytes:
        """Return the stored form, once the last entry was added."""
        paths = self._paths
        numbers = {}
        if self._first:
            entries = {path: number for number, path in enumerate(paths)}
            numbers = {entries[path]: entries[first] for path, first in self._first.items()}
        digests = b"".join(self._digests)
        columns = _Columns(
            _VERSION,
            b"\0".join(paths),
            self._modes,
            self._uids,
            self._gids,
            self._sizes,
            numbers,
            self._targets,
            self._xattrs,
            self._devices,
            self._opaque,
        )
        return _pack(columns, digests if any(digests) else b"")

    def _add_special(self, file: LayerFile, mode: int) -> int:
        """Take what a link or a device is besides its mode, and return that."""
        number = len(self._paths)
        if stat.S_ISLNK(mode):
            self._targets[number] = file.target
        elif is_whiteout(file.stat):
            return WHITEOUT
        else:
            self._devices[number] = file.stat.st_rdev
        return mode


def empty_listing() -> Listing:
    """Return the listing of a layer without entries, or of one that is not known."""
    return Listing([], [], [], [], [])


def listing_of(files: Iterable[LayerFile]) -> Listing:
    """Return the listing of entries in the order of ``fs.walk``."""
    builder = ListingBuilder()
    for file in files:
        builder.add(file)
    return decode_listing(builder.stored())


def decode_listing(data: bytes) -> Listing:
    """Return a listing from its stored form.

    Raises:
        ValueError: it is damaged, or of another version.
    """
    import zlib  # where nothing is committed, no listing is read

    try:
        stored = _stored.decode(data)
        columns = stored.columns
        if stored.compressed:
            columns = zlib.decompressobj().decompress(columns, _MAX_BYTES)
        found = _columns.decode(columns)
    except (msgspec.DecodeError, zlib.error) as error:
        raise ValueError(f"a damaged listing: {error}") from error
    if found.version != _VERSION:
        raise ValueError(f"a listing of version {found.version}")
    paths = os.fsdecode(b"/" + found.paths.replace(b"\0", b"\0/")).split("\0")
    if not found.paths:
        paths = []
    if len(paths) != len(found.modes):
        raise ValueError("columns of a listing differ in length")
    return Listing(
        paths=paths,
        modes=found.modes,
        uids=found.uids,
        gids=found.gids,
        sizes=found.sizes,
        raw_digests=stored.digests,
        links=found.links,
        targets={entry: os.fsdecode(target) for entry, target in found.targets.items()},
        xattrs={
            entry: {os.fsdecode(name): value for name, value in each.items()}
            for entry, each in found.xattrs.items()
        },
        devices=found.devices,
        opaque=frozenset(found.opaque),
    )


def _pack(columns: _Columns, digests: bytes) -> bytes:
    data = msgspec.msgpack.encode(columns)
    if len(data) < _SMALL_BYTES:
        return msgspec.msgpack.encode(_Stored(compressed=False, columns=data, digests=digests))
    import zlib

    packed = zlib.compress(data, 1)
    return msgspec.msgpack.encode(_Stored(compressed=True, columns=packed, digests=digests))

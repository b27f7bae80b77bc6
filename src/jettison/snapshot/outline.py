"""Outlines: all that a layer says of its files but their bytes.

In:  a layer directory in overlay form, the bytes of whose files need not be there.
Out: ``Outline``, and its stored form.

A listing (``fs.listing``) is for facts of whole images; this one has what a COPY needs, times and
the root directory among it, and can be made of a layer that is not here as files.
"""

from __future__ import annotations

import os
import stat
import zlib
from collections.abc import Collection
from functools import cached_property
from pathlib import Path

import msgspec

from jettison.fs.overlay_form import is_plain_root, is_whiteout
from jettison.fs.ownership import Ownership
from jettison.fs.walk import walk
from jettison.snapshot.changes import image_attributes

_VERSION = 1
_MAX_BYTES = 1 << 30
WHITEOUT = 0
"""The mode of an entry that hides its name in the layers below."""


class OutlineEntry(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One name of a layer; fields as in ``fs.tree.FileStat``.

    Args:
        inode: Number of the entry that is the first name of it.
        opaque: Whether a directory hides what the layers below have in it.
        implied: Whether the layer says nothing of a directory but that it is there.
    """

    mode: int
    size: int
    mtime_ns: int
    rdev: int
    uid: int
    gid: int
    inode: int
    nlink: int = 1
    opaque: bool = False
    implied: bool = False

    @property
    def is_dir(self) -> bool:
        """Whether it is a directory."""
        return stat.S_ISDIR(self.mode)

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file."""
        return stat.S_ISREG(self.mode)

    @property
    def is_whiteout(self) -> bool:
        """Whether it hides the name in the layers below."""
        return self.mode == WHITEOUT


class Outline(msgspec.Struct, frozen=True, dict=True):
    """The names of a layer, a directory before what is in it; the first is the root, "".

    Args:
        paths: Absolute.
        entries: What they are.
        targets: Of symbolic links, by entry.
        xattrs: Image attributes, by entry, where there are any.
        plain_root: Whether the root says nothing (``fs.overlay_form``).
    """

    paths: list[str]
    entries: list[OutlineEntry]
    targets: dict[int, str]
    xattrs: dict[int, dict[str, bytes]]
    plain_root: bool

    @cached_property
    def numbers(self) -> dict[str, int]:
        """Entries by path."""
        return dict(zip(self.paths, range(len(self.paths)), strict=True))

    @property
    def root(self) -> OutlineEntry:
        """The entry of the root directory."""
        return self.entries[0]

    @cached_property
    def _children(self) -> dict[str, list[str]]:
        """Names by directory."""
        found: dict[str, list[str]] = {}
        for path in self.paths[1:]:
            parent, _, name = path.rpartition("/")
            found.setdefault(parent, []).append(name)
        return found

    def find(self, path: str) -> OutlineEntry | None:
        """Return what is at a path, which is empty for the root."""
        number = self.numbers.get(path)
        return None if number is None else self.entries[number]

    def names(self, directory: str) -> list[str]:
        """Return the names in a directory; empty if it is none."""
        return self._children.get(directory, [])

    def target(self, path: str) -> str | None:
        """Return where the symbolic link at a path leads; None if it is none."""
        return self.targets.get(self.numbers[path])

    def xattrs_of(self, path: str) -> dict[str, bytes]:
        """Return the image attributes of what is at a path."""
        return dict(self.xattrs.get(self.entries[self.numbers[path]].inode, {}))

    def names_of(self, path: str) -> list[str]:
        """Return all names of a file that is there."""
        first = self.entries[self.numbers[path]]
        if first.nlink == 1:
            return [path]
        pairs = zip(self.paths, self.entries, strict=True)
        return [name for name, entry in pairs if entry.inode == first.inode]


class _Stored(msgspec.Struct, frozen=True, array_like=True):
    """The stored form; paths and targets are bytes, as names need not be UTF-8."""

    version: int
    paths: bytes
    entries: list[OutlineEntry]
    targets: dict[int, bytes]
    xattrs: dict[int, dict[bytes, bytes]]
    plain_root: bool


_stored = msgspec.msgpack.Decoder(_Stored)


def read_outline(upper: Path, ownership: Ownership, implied: Collection[str] = ()) -> Outline:
    """Return the outline of a layer directory, without reading files.

    Args:
        upper: The directory; nobody writes to it.
        ownership: How owners are kept in it.
        implied: Directories that only names of others in them are known to be there by, relative.

    Raises:
        OSError: something cannot be read.
    """
    root = os.fspath(upper)
    base = root + "/"
    unsaid = {f"/{path}" for path in implied}
    inodes: dict[tuple[int, int], int] = {}
    counts: dict[int, int] = {}
    paths: list[str] = []
    entries: list[OutlineEntry] = []
    targets: dict[int, str] = {}
    xattrs: dict[int, dict[str, bytes]] = {}
    for path, found in (("", os.lstat(root)), *walk(base)):
        place = base + path if path else root
        st = ownership.effective_stat(found, place)
        whiteout = is_whiteout(st)
        if stat.S_ISSOCK(st.st_mode) and not whiteout:
            continue
        number = inode = len(paths)
        opaque = False
        mode = WHITEOUT if whiteout else st.st_mode
        if not whiteout and not stat.S_ISDIR(mode) and st.st_nlink > 1:
            inode = inodes.setdefault((st.st_dev, st.st_ino), number)
            counts[inode] = counts.get(inode, 0) + 1
        if stat.S_ISLNK(mode):
            targets[number] = os.readlink(place)
        elif not whiteout:
            attributes, opaque = image_attributes(place)
            if attributes:
                xattrs[number] = dict(attributes)
        name = f"/{path}" if path else ""
        paths.append(name)
        size = st.st_size if stat.S_ISREG(mode) else 0
        entries.append(
            OutlineEntry(
                mode,
                size,
                st.st_mtime_ns,
                st.st_rdev,
                st.st_uid,
                st.st_gid,
                inode,
                opaque=opaque,
                implied=name in unsaid,
            )
        )
    for number, entry in enumerate(entries):
        if counts.get(entry.inode, 1) > 1:
            entries[number] = msgspec.structs.replace(entry, nlink=counts[entry.inode])
    return Outline(paths, entries, targets, xattrs, is_plain_root(root, ownership))


def encode_outline(outline: Outline) -> bytes:
    """Return the stored form of an outline."""
    stored = _Stored(
        _VERSION,
        os.fsencode("\0".join(outline.paths)),
        outline.entries,
        {number: os.fsencode(target) for number, target in outline.targets.items()},
        {
            number: {os.fsencode(name): value for name, value in each.items()}
            for number, each in outline.xattrs.items()
        },
        outline.plain_root,
    )
    return zlib.compress(msgspec.msgpack.encode(stored), 1)


def decode_outline(data: bytes) -> Outline | None:
    """Return an outline from its stored form; None if it is damaged, or of another version."""
    try:
        found = _stored.decode(zlib.decompressobj().decompress(data, _MAX_BYTES))
    except (msgspec.DecodeError, zlib.error):
        return None
    paths = os.fsdecode(found.paths).split("\0")
    if found.version != _VERSION or len(paths) != len(found.entries):
        return None
    return Outline(
        paths,
        found.entries,
        {number: os.fsdecode(target) for number, target in found.targets.items()},
        {
            number: {os.fsdecode(name): value for name, value in each.items()}
            for number, each in found.xattrs.items()
        },
        found.plain_root,
    )

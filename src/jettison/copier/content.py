"""The digest of what is in a source directory.

In:  its entries; or a tree that keeps notes, where most directories need not be looked into.
Out: raw sha256 of paths, types, modes, owners, bytes, and those times that say something
     (``FileStat.dated``).

The digest is over the digests of all directories by path; that of a directory is over what is
directly in it: MessagePack of names, modes, content (sha256 of the bytes, target of a link, device
number, or the path of another name of the inode) and, where there is more to tell, owner, extended
attributes, whether it is implied, and its time. So a directory counts the same whoever says what is
in it.

What a digest is of can be kept (``Preimages``), so that files that differ can be named later: see
``copier.manifest``.
"""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Sequence

import msgspec

from jettison.copier.entry import SourceEntry, encoded_name, encoded_xattrs, entry_of
from jettison.fs.tree import SECOND_NS, Noted, Scanning, Tree

_ENCODE = msgspec.msgpack.Encoder().encode
_ROOT = (0, 0)
_NOTE = b"2"
"""Starts our notes; another way to describe files needs another one."""

_NOTABLE = frozenset({stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK})
_SHORT = 3

Row = tuple[object, ...]
Preimages = dict[bytes, bytes]
"""Raw digests, and the bytes that they are of, but for a version in front of these."""


def contents_digest(
    tree: Tree, entries: Sequence[SourceEntry], *, keeps_owner: bool, kept: Preimages
) -> bytes:
    """Return the digest of a directory's contents; the first entry is the directory itself.

    Args:
        tree: Where they are.
        entries: It and what is below it.
        keeps_owner: Whether owners count.
        kept: Gets what all digests are of.

    Raises:
        OSError: a file cannot be read.
    """
    rows: dict[str, list[Row]] = {"": []}
    for entry in entries[1:]:
        parent, _, name = entry.path.rpartition("/")
        leader = entries[entry.leader] if entry.leader >= 0 else None
        rows[parent].append(describe(tree, entry, name, leader, keeps_owner=keeps_owner))
        if stat.S_ISDIR(entry.mode):
            rows[entry.path] = []
    return _joined([(encoded_name(path), _digest(each, kept)) for path, each in rows.items()], kept)


def noted_contents_digest(tree: Scanning, root: str, kept: Preimages) -> bytes | None:
    """Return the same, with owners, of a directory all of which is taken, by the help of notes.

    Args:
        tree: Keeps the notes.
        root: The directory, without links in its path.
        kept: Gets what digests are of, but for those that were noted.

    Returns:
        None if it has hard links: those of one directory are not determined by it alone.

    Raises:
        OSError: a file cannot be read.
    """
    base = root.rstrip("/")
    digests: list[tuple[bytes, bytes]] = []
    pending = [""]
    while pending:
        path = pending.pop()
        noted = tree.noted(base + path)
        if noted is None or not noted.note.startswith(_NOTE):
            noted = _look(tree, base + path, kept)
            if noted is None:
                return None
        digests.append((encoded_name(path[1:]), noted.note[len(_NOTE) :]))
        pending += [f"{path}/{name}" for name in noted.directories]
    return _joined(digests, kept)


def _look(tree: Scanning, path: str, kept: Preimages) -> Noted | None:
    """Describe what is in a directory, and note it if nothing else can change it."""
    rows, directories, notable = [], [], True
    for name, st, plain in tree.scan(path):
        kind = stat.S_IFMT(st.mode)
        if kind == stat.S_IFDIR:
            directories.append(name)
        elif st.nlink > 1:
            return None
        entry = entry_of(tree, name, f"{path}/{name}", st, plain=plain)
        row = describe(tree, entry, name)
        rows.append(row)
        notable = notable and len(row) == _SHORT and kind in _NOTABLE
    note = _NOTE + _digest(rows, kept)
    if notable:
        tree.note(path, note)
    return Noted(note, directories)


def describe(
    tree: Tree,
    entry: SourceEntry,
    name: str,
    leader: SourceEntry | None = None,
    *,
    keeps_owner: bool = True,
) -> Row:
    """Return what counts of a file.

    Args:
        tree: Where it is.
        entry: It.
        name: Its name in its directory.
        leader: Another name of it that comes before.
        keeps_owner: Whether its owner counts.

    Raises:
        OSError: it cannot be read.
    """
    st, mode = entry.stat, entry.mode
    kind = stat.S_IFMT(mode)
    content: object = None
    if kind == stat.S_IFREG:
        if leader is not None:
            content = (encoded_name(leader.path),)
        elif st.is_file:
            content = tree.file_digest(entry.origin)
    elif kind == stat.S_IFLNK:
        content = encoded_name(entry.target)
    elif kind != stat.S_IFDIR:
        content = st.rdev
    owner = (st.uid, st.gid) if keeps_owner else _ROOT
    if owner == _ROOT and not entry.xattrs and not entry.implied and not st.dated:
        return (encoded_name(name), mode, content)
    xattrs = encoded_xattrs(entry.xattrs)
    row = (encoded_name(name), mode, content, owner, xattrs, entry.implied)
    return (*row, b"%d" % (st.mtime_ns // SECOND_NS)) if st.dated else row


def _joined(digests: list[tuple[bytes, bytes]], kept: Preimages) -> bytes:
    digests.sort()
    return _digest(digests, kept)


def _digest(value: object, kept: Preimages) -> bytes:
    encoded = _ENCODE(value)
    digest = hashlib.sha256(encoded).digest()
    kept[digest] = encoded
    return digest

"""What a change is: the entries of a layer directory, and the digests of all of it.

In:  a layer directory in overlay form, at rest.
Out: ``ChangeDigests`` (``snapshot.digests``), or the facts of the layer.

Marks that hide nothing are taken away where it is known what is below: overlayfs makes a directory
opaque when it is renamed, fuse-overlayfs whenever it is made, and a copied root never knows.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from jettison.concurrency import processors
from jettison.fs.digest import file_sha256
from jettison.fs.layer_file import LayerFile
from jettison.fs.listing import ListingBuilder
from jettison.fs.overlay_form import drop_strays, is_whiteout, opaque_xattr
from jettison.fs.ownership import Ownership
from jettison.fs.tree import Tree
from jettison.fs.walk import walk
from jettison.fs.xattr import get_xattr, is_image_xattr, remove_xattr
from jettison.snapshot.digests import ChangeDigests, ChangeHasher
from jettison.store.layers import LayerFacts

_BIG_BYTES = 1 << 20
"""Below, handing a file to a thread costs more than hashing it."""

_NO_XATTRS: Mapping[str, bytes] = {}


class _Entry(NamedTuple):
    """One entry; ``first`` is the path of the first name of its inode, empty if it is that."""

    path: str
    stat: os.stat_result
    first: str


def change_digests(
    upper: Path,
    ownership: Ownership,
    known: Mapping[str, bytes] | None = None,
    below: Tree | None = None,
    *,
    clock_ns: int = 0,
) -> ChangeDigests:
    """Return the digests and the facts of a layer directory.

    Args:
        upper: The directory; nobody writes to it.
        ownership: How owners are kept in it.
        known: Digests of files that need not be read again, by path relative to ``upper``: of
            hard links into committed layers, and of copies whose source is known.
        below: What the change was made on; marks that hide nothing of it are taken away.
        clock_ns: See ``ChangeHasher``.

    Raises:
        OSError: something cannot be read, or a mark not be taken away.
    """
    base = os.fspath(upper) + "/"
    entries = _entries(base, ownership, below)
    digests = _file_digests(base, entries, known or {})
    hasher = ChangeHasher(clock_ns)
    root = _Entry("", ownership.effective_stat(os.lstat(base), base), "")
    for entry in (root, *entries):
        hasher.add(_described(base, entry, digests, below))
    return hasher.digests()


def layer_listing(upper: Path, ownership: Ownership) -> bytes:
    """Return the listing of a layer directory in its stored form, without reading files.

    Raises:
        OSError: something cannot be read.
    """
    base = os.fspath(upper) + "/"
    builder = ListingBuilder()
    root = _Entry("", ownership.effective_stat(os.lstat(base), base), "")
    for entry in (root, *_entries(base, ownership)):
        builder.add(_described(base, entry, {}, None))
    return builder.stored()


def layer_facts(upper: Path, ownership: Ownership) -> LayerFacts:
    """Return the facts of a layer directory without reading files."""
    return _facts(_entries(os.fspath(upper) + "/", ownership))


def _entries(base: str, ownership: Ownership, below: Tree | None = None) -> list[_Entry]:
    """List a layer directory; files with several names in it get them resolved to the first."""
    first_names: dict[tuple[int, int], str] = {}
    entries = []
    effective_stat = ownership.effective_stat
    for path, found in walk(base):
        st = effective_stat(found, base + path)
        mode = st.st_mode
        if stat.S_ISSOCK(mode) and not is_whiteout(st):
            continue
        if below is not None and is_whiteout(st) and drop_whiteout(base + path, path, st, below):
            continue
        first = ""
        if st.st_nlink > 1 and not stat.S_ISDIR(mode) and not is_whiteout(st):
            # Names outside the directory count in st_nlink, too: COPY links into other layers.
            first = first_names.setdefault((st.st_dev, st.st_ino), path)
            first = "" if first == path else first
        entries.append(_Entry(path, st, first))
    return entries


def drop_whiteout(place: str, path: str, st: os.stat_result, below: Tree) -> bool:
    """Take away a whiteout, or the mark of an opaque directory, if it hides nothing.

    Args:
        place: Where the file is on the host.
        path: Its path, relative to the layer's root.
        st: What it is.
        below: What the change was made on.

    Returns:
        Whether it hid nothing.

    Raises:
        OSError: it cannot be taken away.
    """
    before = below.lstat(f"/{path}")
    if before is not None and (before.is_dir or is_whiteout(st)):
        return False  # a directory hides a file below by being there
    if is_whiteout(st):
        _unlink_whiteout(place)
    else:
        remove_xattr(place, opaque_xattr())
    return True


def _unlink_whiteout(path: str) -> None:
    """Remove a whiteout; its directory keeps its times."""
    parent = os.path.dirname(path)
    st = os.lstat(parent)
    os.unlink(path)
    os.utime(parent, ns=(st.st_atime_ns, st.st_mtime_ns), follow_symlinks=False)


def _facts(entries: list[_Entry]) -> LayerFacts:
    size = sum(
        entry.stat.st_size
        for entry in entries
        if stat.S_ISREG(entry.stat.st_mode) and not entry.first
    )
    return LayerFacts(size_bytes=size, entries=len(entries))


def _file_digests(base: str, entries: list[_Entry], known: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the sha256 of each regular file by path; big ones are read in threads."""
    digests: dict[str, bytes] = {}
    big = []
    for path, st, first in entries:
        if first or not stat.S_ISREG(st.st_mode):
            continue
        if path in known:
            digests[path] = known[path]
        elif st.st_size >= _BIG_BYTES:
            big.append(path)
        else:
            digests[path] = file_sha256(base + path)
    workers = min(len(big), processors(), 4)
    if workers < 2:
        digests.update((path, file_sha256(base + path)) for path in big)
        return digests
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(workers) as pool:
        paths = [base + path for path in big]
        digests.update(zip(big, pool.map(file_sha256, paths), strict=True))
    return digests


def _described(
    base: str, entry: _Entry, digests: Mapping[str, bytes], below: Tree | None
) -> LayerFile:
    """Return what is digested of an entry."""
    path, st, first = entry
    name = os.fsencode(path)
    if first or is_whiteout(st):
        return LayerFile(name, st, first=os.fsencode(first))
    place = base + path if path else base.rstrip("/")
    xattrs, opaque = image_attributes(place)
    if opaque and below is not None:
        opaque = not drop_whiteout(place, path, st, below)
    target = os.fsencode(os.readlink(place)) if stat.S_ISLNK(st.st_mode) else b""
    return LayerFile(name, st, b"", target, xattrs, opaque, digests.get(path, b""))


def image_attributes(path: str) -> tuple[Mapping[str, bytes], bool]:
    """Return the image xattrs of a file, sorted, and whether it is opaque; most have none."""
    try:
        names = os.listxattr(path, follow_symlinks=False)
    except OSError:
        names = []  # the file system has none
    if not names:
        return _NO_XATTRS, False
    drop_strays(path, names)
    image = sorted(name for name in names if is_image_xattr(name))
    xattrs = {name: get_xattr(path, name) or b"" for name in image}
    opaque = opaque_xattr()
    return xattrs, opaque in names and get_xattr(path, opaque) == b"y"

"""Waste: what an image ships and does not show, and who is to blame for it.

In:  the layers of an image, put on each other (``fs.visible``).
Out: ``WastedFile`` for each file that is hidden, and sums of them.

The bytes of all of them are exactly what the image ships less what it shows: a file with several
names is wasted once, when the last of them is hidden; one that was hidden twice is two.
"""

from __future__ import annotations

import enum
import posixpath
import stat
from collections.abc import Callable, Iterable

import msgspec

from jettison.fs.visible import Hidden, Seen, Visible

_KIND = 0o170000

Digester = Callable[[Seen], bytes]
"""Returns the raw sha256 of a file's bytes, empty if it cannot be known."""


class Cause(enum.Enum):
    """Why a file is hidden: other bytes, only another mode or owner, removed, at another path."""

    REWRITE = "rewrite"
    METADATA = "metadata"
    DELETE = "delete"
    MOVE = "move"


class WastedFile(msgspec.Struct, frozen=True):
    """A file that no one sees.

    Args:
        path: Its last name.
        bytes: Its size.
        introduced: Number of the layer that has it.
        hidden_by: Number of the layer that hid the last of its names.
        cause: Why.
    """

    path: str
    bytes: int
    introduced: int
    hidden_by: int
    cause: Cause


class WasteGroup(msgspec.Struct, frozen=True):
    """Files that one layer introduced and one layer hid, all for one cause.

    Args:
        path: The file, or the directory that all of them are below.
        bytes: Of all.
        files: How many.
    """

    path: str
    bytes: int
    files: int
    introduced: int
    hidden_by: int
    cause: Cause


def known_digests(shown: Visible) -> Digester:
    """Return what knows the digests that listings have."""

    def digest(seen: Seen) -> bytes:
        return shown.layers[seen.layer].digests.get(seen.entry, b"")

    return digest


def wasted_files(shown: Visible, digest: Digester | None = None) -> list[WastedFile]:
    """Return the files that are shipped and not shown; those without bytes are left out.

    Args:
        shown: The layers.
        digest: Tells equal files from others: asked only for files of equal sizes.
    """
    lost = _lost(shown)
    if not lost:
        return []
    moved = _Moves(shown, digest or known_digests(shown))
    return [
        WastedFile(each.path, shown.size(inode), inode.layer, each.by, moved.cause(each, inode))
        for inode, each in lost.items()
    ]


def waste_groups(files: Iterable[WastedFile]) -> list[WasteGroup]:
    """Return the sums of wasted files by both layers and cause, the largest first."""
    groups: dict[tuple[int, int, Cause], list[WastedFile]] = {}
    for each in files:
        groups.setdefault((each.introduced, each.hidden_by, each.cause), []).append(each)
    found = [
        WasteGroup(
            posixpath.commonpath([each.path for each in group]),
            sum(each.bytes for each in group),
            len(group),
            *key,
        )
        for key, group in groups.items()
    ]
    return sorted(found, key=lambda each: (-each.bytes, each.path))


def _lost(shown: Visible) -> dict[Seen, Hidden]:
    """Return the files none of whose names is seen, and which of them was hidden last."""
    found: dict[Seen, Hidden] = {}
    linked: set[int] = {number for number, each in enumerate(shown.layers) if each.links}
    for each in shown.hidden:
        seen = each.seen
        listing = shown.layers[seen.layer]
        if listing.modes[seen.entry] & _KIND == stat.S_IFREG and listing.sizes[seen.entry]:
            inode = shown.inode(seen)
            if inode not in found or found[inode].by <= each.by:
                found[inode] = each
    if linked and found:
        for seen in shown.entries.values():
            if seen.layer in linked:
                found.pop(shown.inode(seen), None)
    return found


class _Moves:
    """Finds why files are hidden.

    Args:
        shown: The layers.
        digest: See ``wasted_files``.
    """

    def __init__(self, shown: Visible, digest: Digester) -> None:
        self._shown = shown
        self._digest = digest
        self._by_size: dict[int, dict[int, list[int]]] = {}

    def cause(self, hidden: Hidden, inode: Seen) -> Cause:
        """Return why a file is hidden."""
        listing = self._shown.layers[hidden.by]
        size = self._shown.size(inode)
        entry = listing.index.get(hidden.path)
        if entry is not None and listing.is_file(entry):
            equal = listing.sizes[entry] == size and self._is_equal(inode, hidden.by, entry)
            return Cause.METADATA if equal else Cause.REWRITE
        for other in self._of_size(hidden.by, size):
            if self._is_equal(inode, hidden.by, other):
                return Cause.MOVE
        return Cause.DELETE if entry is None or not listing.modes[entry] else Cause.REWRITE

    def _is_equal(self, inode: Seen, layer: int, entry: int) -> bool:
        other = self._shown.layers[layer].links.get(entry, entry)
        digest = self._digest(inode)
        return bool(digest) and digest == self._digest(Seen(layer, other))

    def _of_size(self, layer: int, size: int) -> list[int]:
        """Return the files of a layer that have a size."""
        known = self._by_size.get(layer)
        if known is None:
            known = self._by_size[layer] = {}
            listing = self._shown.layers[layer]
            for entry, each in enumerate(listing.sizes):
                if each and listing.is_file(entry) and entry not in listing.links:
                    known.setdefault(each, []).append(entry)
        return known.get(size, [])

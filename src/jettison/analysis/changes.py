"""What is different between the files of two images.

In:  the layers of each, put on each other.
Out: ``FileChange`` for each path that is not the same; times do not count.
"""

from __future__ import annotations

import enum
import stat
from collections.abc import Callable, Iterator

import msgspec

from jettison.fs.listing import Listing
from jettison.fs.visible import Seen, Visible

Equal = Callable[[Seen, Seen], bool]
"""Tells whether a file of one image has the bytes of a file of the other; their sizes are equal."""


class Kind(enum.Enum):
    """What happened to a path."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


class Aspect(enum.Enum):
    """What of a path is different."""

    TYPE = "type"
    CONTENT = "content"
    TARGET = "target"
    DEVICE = "device"
    MODE = "mode"
    OWNER = "owner"
    ATTRIBUTES = "attributes"


class PathFacts(msgspec.Struct, frozen=True):
    """What a path is: type and permission bits, owner, size of a regular file."""

    mode: int
    uid: int
    gid: int
    size_bytes: int
    target: str = ""


class FileChange(msgspec.Struct, frozen=True):
    """A path that is not the same; ``before`` is None for an added one, ``after`` for a removed."""

    path: str
    kind: Kind
    aspects: tuple[Aspect, ...]
    before: PathFacts | None
    after: PathFacts | None


def file_changes(one: Visible, other: Visible, equal: Equal) -> Iterator[FileChange]:
    """Yield what is different, in the order of paths.

    Args:
        one: The first image.
        other: The second one.
        equal: Compares bytes; asked only where sizes are equal.
    """
    paths = one.entries.keys() | other.entries.keys()
    for path in sorted(paths, key=lambda each: each.split("/")):
        before, after = one.entries.get(path), other.entries.get(path)
        if before is None and after is not None:
            yield FileChange(path, Kind.ADDED, (), None, _facts(other, after))
        elif after is None and before is not None:
            yield FileChange(path, Kind.REMOVED, (), _facts(one, before), None)
        elif before is not None and after is not None:
            aspects = tuple(_aspects(one, before, other, after, equal))
            if aspects:
                facts = _facts(one, before), _facts(other, after)
                yield FileChange(path, Kind.CHANGED, aspects, *facts)


def _facts(shown: Visible, seen: Seen) -> PathFacts:
    listing, entry = shown.layers[seen.layer], seen.entry
    return PathFacts(
        listing.modes[entry],
        listing.uids[entry],
        listing.gids[entry],
        listing.sizes[entry],
        listing.targets.get(entry, ""),
    )


def _aspects(
    one: Visible, before: Seen, other: Visible, after: Seen, equal: Equal
) -> Iterator[Aspect]:
    a, b = one.layers[before.layer], other.layers[after.layer]
    kind = stat.S_IFMT(a.modes[before.entry])
    if kind != stat.S_IFMT(b.modes[after.entry]):
        yield Aspect.TYPE
    elif kind == stat.S_IFREG:
        if a.sizes[before.entry] != b.sizes[after.entry] or not equal(before, after):
            yield Aspect.CONTENT
    elif kind == stat.S_IFLNK:
        if a.targets.get(before.entry) != b.targets.get(after.entry):
            yield Aspect.TARGET
    elif a.devices.get(before.entry) != b.devices.get(after.entry):
        yield Aspect.DEVICE
    modes = a.modes[before.entry], b.modes[after.entry]
    if not any(map(stat.S_ISLNK, modes)) and stat.S_IMODE(modes[0]) != stat.S_IMODE(modes[1]):
        yield Aspect.MODE
    if _owner(a, before) != _owner(b, after):
        yield Aspect.OWNER
    if a.xattrs.get(before.entry) != b.xattrs.get(after.entry):
        yield Aspect.ATTRIBUTES


def _owner(listing: Listing, seen: Seen) -> tuple[int, int]:
    return listing.uids[seen.entry], listing.gids[seen.entry]

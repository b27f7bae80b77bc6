"""What layers show together: which of their entries are seen, and which hide which.

In:  listings of layers, base first.
Out: ``Visible``: entries by path, and those that a later layer hid.

The rules are those of ``snapshot.stack``: a whiteout hides what is below it; a file, link or device
too; directories merge until one is opaque.
"""

from __future__ import annotations

import stat
from collections.abc import Sequence
from functools import cached_property
from itertools import repeat
from typing import NamedTuple

import msgspec

from jettison.fs.listing import WHITEOUT, Listing

_FEW = 16
_KIND = 0o170000


class Seen(msgspec.Struct, frozen=True, gc=False):
    """An entry of a stack: the number of its layer, and its number in the layer's listing."""

    layer: int
    entry: int


class Hidden(NamedTuple):
    """An entry that is not seen any more, and the layer that hid it."""

    path: str
    seen: Seen
    by: int


class SeenFiles(NamedTuple):
    """Regular files that one layer shows in one directory; of several names of a file the first.

    ``names`` and ``entries`` (numbers in the layer's listing) belong together.
    """

    layer: int
    directory: str
    names: list[str]
    entries: list[int]


class Visible(msgspec.Struct, frozen=True, dict=True):
    """The files of a stack of layers.

    Args:
        layers: Their listings, base first.
        entries: What is seen, by path: of directories the topmost entry.
        hidden: What is not, in the order in which it was hidden; directories that merge are not
            among it.
    """

    layers: Sequence[Listing]
    entries: dict[str, Seen]
    hidden: list[Hidden]

    @cached_property
    def files(self) -> list[SeenFiles]:
        """All regular files, by layer and directory, in the order in which these are met."""
        found: dict[tuple[int, str], SeenFiles] = {}
        columns = [(listing.modes, listing.links) for listing in self.layers]
        done: set[tuple[int, int]] = set()
        for path, seen in self.entries.items():
            layer, entry = seen.layer, seen.entry
            modes, links = columns[layer]
            if modes[entry] & _KIND != stat.S_IFREG:
                continue
            if links:
                inode = layer, links.get(entry, entry)
                if inode in done:
                    continue
                done.add(inode)
            directory, _, name = path.rpartition("/")
            group = found.get((layer, directory))
            if group is None:
                group = found[layer, directory] = SeenFiles(layer, directory, [], [])
            group.names.append(name)
            group.entries.append(entry)
        return list(found.values())

    def mode(self, seen: Seen) -> int:
        """Return type and permission bits of an entry."""
        return self.layers[seen.layer].modes[seen.entry]

    def size(self, seen: Seen) -> int:
        """Return the bytes of a regular file, 0 of another entry."""
        return self.layers[seen.layer].size(seen.entry)

    def inode(self, seen: Seen) -> Seen:
        """Return the entry that stands for a file with several names."""
        first = self.layers[seen.layer].links.get(seen.entry)
        return seen if first is None else Seen(seen.layer, first)


def visible(layers: Sequence[Listing]) -> Visible:
    """Put layers on each other.

    Args:
        layers: Their listings, base first.
    """
    entries: dict[str, Seen] = {}
    hidden: list[Hidden] = []
    for number, listing in enumerate(layers):
        if entries:
            _hide(entries, hidden, layers, number)
        seen = map(Seen, repeat(number), range(len(listing.paths)))
        entries.update(zip(listing.paths, seen, strict=True))
        if WHITEOUT in listing.modes:
            modes = zip(listing.paths, listing.modes, strict=True)
            for path in [path for path, mode in modes if mode == WHITEOUT]:
                del entries[path]
    return Visible(layers, entries, hidden)


def _hide(
    entries: dict[str, Seen], hidden: list[Hidden], layers: Sequence[Listing], number: int
) -> None:
    """Take away what the next layer hides."""
    listing = layers[number]
    emptied = [listing.paths[entry] if entry >= 0 else "" for entry in listing.opaque]
    for entry in [entry for entry, path in enumerate(listing.paths) if path in entries]:
        path, mode = listing.paths[entry], listing.modes[entry]
        below = entries.get(path)
        if below is None:
            continue  # it has a second entry
        was_dir = stat.S_ISDIR(layers[below.layer].modes[below.entry])
        is_dir = stat.S_ISDIR(mode)
        if was_dir and not is_dir:
            emptied.append(path)
        if not (was_dir and is_dir):
            hidden.append(Hidden(path, below, number))
            del entries[path]
    if not emptied:
        return
    inside = _below(entries, emptied)
    hidden += [Hidden(path, entries.pop(path), number) for path in inside]


def _below(entries: dict[str, Seen], directories: Sequence[str]) -> list[str]:
    """Return the paths that are in directories, at any depth."""
    if len(directories) <= _FEW:
        prefixes = tuple(f"{each}/" for each in directories)
        return [path for path in entries if path.startswith(prefixes)]
    gone = set(directories)
    inside: dict[str, bool] = {"": "" in gone}

    def is_inside(directory: str) -> bool:
        unknown = []
        while directory not in inside:
            unknown.append(directory)
            if directory in gone:
                inside[directory] = True
                break
            directory = directory.rpartition("/")[0]
        found = inside[directory]
        for each in unknown:
            inside[each] = found
        return found

    return [path for path in entries if is_inside(path.rpartition("/")[0])]

"""How much layers hold and show: bytes and number of regular files, hard links once.

In:  listings, what is seen of them together.
Out: ``Amount``.

Sums of whole layers are made by columns, and what is hidden is taken off: nothing goes through all
files one by one.
"""

from __future__ import annotations

import stat
from collections import Counter
from collections.abc import Iterable

import msgspec

from jettison.fs.listing import Listing
from jettison.fs.visible import Visible

_KIND = 0o170000


class Amount(msgspec.Struct, frozen=True):
    """Bytes of regular files, and how many they are."""

    bytes: int = 0
    files: int = 0

    def __add__(self, other: Amount) -> Amount:
        """Return both together."""
        return Amount(self.bytes + other.bytes, self.files + other.files)

    def __sub__(self, other: Amount) -> Amount:
        """Return what is left without the other."""
        return Amount(self.bytes - other.bytes, self.files - other.files)


def held(listing: Listing) -> Amount:
    """Return what a layer holds, whether it is seen or not."""
    sizes = listing.sizes
    twice = sum(map(sizes.__getitem__, listing.links)) if listing.links else 0
    kinds = Counter(listing.modes)
    files = sum(count for mode, count in kinds.items() if mode & _KIND == stat.S_IFREG)
    return Amount(sum(sizes) - twice, files - len(listing.links))


def hidden_files(shown: Visible, until: int) -> list[set[int]]:
    """Return the files of each layer that none of the first so many layers show, by first entry.

    Args:
        shown: All layers.
        until: How many of them are put on each other.
    """
    names: list[Counter[int]] = [Counter() for _ in shown.layers]
    for each in shown.hidden:
        if each.by < until:
            layer, entry = each.seen.layer, each.seen.entry
            listing = shown.layers[layer]
            if listing.modes[entry] & _KIND == stat.S_IFREG:
                names[layer][listing.links.get(entry, entry)] += 1
    return [_lost(listing, gone) for listing, gone in zip(shown.layers, names, strict=True)]


def _lost(listing: Listing, gone: Counter[int]) -> set[int]:
    """Return the files all of whose names are gone."""
    if not listing.links or not gone:
        return set(gone)
    others = Counter(listing.links.values())
    return {entry for entry, count in gone.items() if count == 1 + others[entry]}


def shown_by(shown: Visible, until: int | None = None) -> list[Amount]:
    """Return what is seen of each layer where the first so many, or all, are on each other."""
    until = len(shown.layers) if until is None else until
    lost = hidden_files(shown, until)
    return [
        held(listing) - files_of(listing, lost[number])
        for number, listing in enumerate(shown.layers[:until])
    ]


def files_of(listing: Listing, entries: Iterable[int]) -> Amount:
    """Return the sum of some files of a layer."""
    column = listing.sizes
    sizes = [column[entry] for entry in entries]
    return Amount(sum(sizes), len(sizes))


def total(amounts: Iterable[Amount]) -> Amount:
    """Return the sum of amounts."""
    return sum(amounts, Amount())

"""Facts of layers that depend on sizes: small where nothing is large, and then the same again.

In:  the listing of a layer.
Out: ``LayerFact`` values; ``SIZE_FACTS``, all of them by name.

Who asks for one of them depends on its value, and on no other size: an image whose layers have the
same values need not be checked again for it (``api.check_cutoff``).
"""

from __future__ import annotations

import re
import stat
from collections import Counter
from typing import Any

from jettison.check.layer_facts import LayerFact
from jettison.fs.listing import Listing

LARGE_BYTES = 10_000_000
"""So large a file is, of which ``LARGE`` tells."""

REPEATED_BYTES = 62_500
"""So many bytes the files of one size have together, of which ``REPEATED`` tells."""

_MARKER = re.compile(
    r"/(?:__init__\.pyi?|\.[^/]*|[^/]*\.(?:keep|typed|txt|md|rst|json|ya?ml|toml|cfg|ini|conf|css"
    r"|html?|xml|pyi|h|hpp|lock|log|stamp|d))$"
)
"""Files that may be empty whatever their mode is: they are there, or say nothing."""


def _large(listing: Listing) -> list[int]:
    return [
        entry
        for entry, count in enumerate(listing.sizes)
        if count >= LARGE_BYTES
        if not listing.modes[entry] & 0o111 and ".so" not in listing.paths[entry]
    ]


def _repeated(listing: Listing) -> dict[int, int]:
    counts = Counter(listing.sizes)
    return {size: n for size, n in counts.items() if size * n >= REPEATED_BYTES}


def _sizes(listing: Listing) -> dict[int, int]:
    return Counter(listing.sizes)


def _empty_programs(listing: Listing) -> list[int]:
    return [
        entry
        for entry, (mode, size) in enumerate(zip(listing.modes, listing.sizes, strict=True))
        if not size and mode & 0o111 and stat.S_ISREG(mode)
        if _MARKER.search(listing.paths[entry]) is None
    ]


LARGE = LayerFact(f"of {LARGE_BYTES} bytes 2", _large, list[int], of_sizes=True)
"""Files of so many bytes that are no programs: their entries."""

REPEATED = LayerFact(f"{REPEATED_BYTES} bytes of a size", _repeated, dict[int, int], of_sizes=True)
"""Sizes of which the layer has so many bytes, and how many files these are."""

SIZES = LayerFact("sizes 1", _sizes, dict[int, int], of_sizes=True)
"""All sizes, and how many files have each."""

EMPTY_PROGRAMS = LayerFact("empty programs 2", _empty_programs, list[int], of_sizes=True)
"""Programs without a byte: their entries."""

SIZE_FACTS: dict[str, LayerFact[Any]] = {
    each.name: each for each in (LARGE, REPEATED, SIZES, EMPTY_PROGRAMS)
}
"""All facts that depend on sizes, by name."""

"""Listings of layers from a few words, for tests."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Mapping

from jettison.fs.listing import WHITEOUT, Listing
from jettison.fs.visible import Visible

FILE, DIRECTORY, LINK = stat.S_IFREG | 0o644, stat.S_IFDIR | 0o755, stat.S_IFLNK | 0o777


def listing(entries: Mapping[str, object], *, opaque: tuple[str, ...] = ()) -> Listing:
    """Return a listing.

    Values are bytes (a file), None (a directory), ``"-"`` (a whiteout), ``"=/path"`` (a further
    name of a file), other text (a link), a pair of bytes and a mode, or of None and a mode.
    """
    paths = sorted(entries, key=lambda path: path.split("/"))
    modes, sizes, digests, links, targets = [], [], [], {}, {}
    for number, path in enumerate(paths):
        value, mode = entries[path], 0
        if isinstance(value, tuple):
            value, mode = value
        size = 0
        match value:
            case None:
                modes.append(stat.S_IFDIR | (mode or 0o755))
            case "-":
                modes.append(WHITEOUT)
            case bytes():
                modes.append(stat.S_IFREG | (mode or 0o644))
                size = len(value)
                digests.append(hashlib.sha256(value).digest())
            case str() if value.startswith("="):
                first = links[number] = paths.index(value[1:])
                modes.append(modes[first])
                size = sizes[first]
            case _:
                modes.append(LINK)
                targets[number] = str(value)
        sizes.append(size)
    return Listing(
        paths=paths,
        modes=modes,
        uids=[0] * len(paths),
        gids=[0] * len(paths),
        sizes=sizes,
        raw_digests=b"".join(digests),
        links=links,
        targets=targets,
        opaque=frozenset(paths.index(path) if path != "/" else -1 for path in opaque),
    )


def path_facts(shown: Visible) -> dict[str, tuple[int, object]]:
    """Return all that each path is, times left out; its mode first."""
    found: dict[str, tuple[int, object]] = {}
    for path, seen in shown.entries.items():
        layer = shown.layers[seen.layer]
        owner = layer.uids[seen.entry], layer.gids[seen.entry]
        content = layer.digests.get(seen.entry), layer.targets.get(seen.entry)
        found[path] = layer.modes[seen.entry], (owner, content)
    return found

"""Files of an image that have equal bytes.

In:  the layers of an image, put on each other.
Out: ``DuplicateFiles``; names of one inode are no duplicates.
"""

from __future__ import annotations

from collections import Counter

import msgspec

from jettison.analysis.waste import Digester, known_digests
from jettison.fs.visible import Seen, Visible

_SHOWN = 10


class DuplicateFiles(msgspec.Struct, frozen=True):
    """Files with equal bytes.

    Args:
        digest: Raw sha256 of them.
        bytes: Size of one.
        count: How many there are.
        paths: The first few, sorted.
    """

    digest: bytes
    bytes: int
    count: int
    paths: tuple[str, ...]

    @property
    def extra_bytes(self) -> int:
        """What hard links would spare."""
        return self.bytes * (self.count - 1)


def duplicate_files(
    shown: Visible, digest: Digester | None = None, *, least: int = 1
) -> list[DuplicateFiles]:
    """Return files that an image has more than once, those that cost most first.

    Args:
        shown: Its layers.
        digest: Of a file; asked only for files of which another one has the size.
        least: Groups whose extra bytes are fewer are left out.
    """
    counts: Counter[int] = Counter()
    for group in shown.files:
        counts.update(map(shown.layers[group.layer].sizes.__getitem__, group.entries))
    wanted = {size for size, count in counts.items() if size * (count - 1) >= least}
    sizes: dict[int, dict[Seen, str]] = {}
    for group in shown.files if wanted else ():
        listing = shown.layers[group.layer]
        for name, entry in zip(group.names, group.entries, strict=True):
            size = listing.sizes[entry]
            if size in wanted:
                inode = Seen(group.layer, listing.links.get(entry, entry))
                sizes.setdefault(size, {}).setdefault(inode, f"{group.directory}/{name}")
    find = digest or known_digests(shown)
    found: list[DuplicateFiles] = []
    for size, inodes in sizes.items():
        groups: dict[bytes, list[str]] = {}
        for inode, path in inodes.items():
            groups.setdefault(find(inode), []).append(path)
        groups.pop(b"", None)
        found += [
            DuplicateFiles(each, size, len(paths), tuple(sorted(paths)[:_SHOWN]))
            for each, paths in groups.items()
            if len(paths) > 1 and size * (len(paths) - 1) >= least
        ]
    return sorted(found, key=lambda each: (-each.extra_bytes, each.paths))

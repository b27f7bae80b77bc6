"""Files of an image that have equal bytes.

In:  the layers of an image, put on each other.
Out: ``DuplicateFiles``; names of one inode are no duplicates.
"""

from __future__ import annotations

import stat

import msgspec

from jettison.analysis.waste import Digester, known_digests
from jettison.fs.visible import Seen, Visible

_KIND = 0o170000
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


def duplicate_files(shown: Visible, digest: Digester | None = None) -> list[DuplicateFiles]:
    """Return files that an image has more than once, those that cost most first.

    Args:
        shown: Its layers.
        digest: Of a file; asked only for files of which another one has the size.
    """
    sizes: dict[int, dict[Seen, str]] = {}
    for path, seen in shown.entries.items():
        listing = shown.layers[seen.layer]
        size = listing.sizes[seen.entry]
        if size and listing.modes[seen.entry] & _KIND == stat.S_IFREG:
            inode = shown.inode(seen) if listing.links else seen
            sizes.setdefault(size, {}).setdefault(inode, path)
    find = digest or known_digests(shown)
    found: list[DuplicateFiles] = []
    for size, inodes in sizes.items():
        if len(inodes) < 2:
            continue
        groups: dict[bytes, list[str]] = {}
        for inode, path in inodes.items():
            groups.setdefault(find(inode), []).append(path)
        groups.pop(b"", None)
        found += [
            DuplicateFiles(each, size, len(paths), tuple(sorted(paths)[:_SHOWN]))
            for each, paths in groups.items()
            if len(paths) > 1
        ]
    return sorted(found, key=lambda each: (-each.extra_bytes, each.paths))

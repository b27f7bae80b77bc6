"""How much an archive may hold before it is refused."""

from __future__ import annotations

import msgspec


class ArchiveLimits(msgspec.Struct, frozen=True):
    """Bounds on archives and compressed streams.

    ``max_bytes`` bounds both the lengths of files, holes of sparse files included, and what a
    stream decompresses to. ``max_holes`` bounds the bytes of all holes, which an archive has for
    nothing, and which everybody who reads the file gets as zeros. ``max_ratio`` bounds decompressed
    by compressed bytes; it counts only from ``ratio_from_bytes`` on, and zstd reaches 32,000
    honestly, on files of zeros.
    """

    max_bytes: int = 1 << 40
    max_holes: int = 64 << 30
    max_entries: int = 20_000_000
    max_ratio: int = 100_000
    ratio_from_bytes: int = 1 << 28


DEFAULT_LIMITS = ArchiveLimits()

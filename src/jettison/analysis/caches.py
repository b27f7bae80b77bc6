"""Caches of package managers and compilers that were left in an image.

In:  directories and the sizes of files in them.
Out: ``CacheLeft`` for each cache.

What is here can be removed without anything that is installed missing it: it is downloaded or
compiled again when somebody needs it.

Source: the documentation of each tool (default directories).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import msgspec

_ROOTED = {
    "/var/lib/apt/lists": "apt",
    "/var/cache/apt": "apt",
    "/var/cache/apk": "apk",
    "/etc/apk/cache": "apk",
    "/var/cache/dnf": "dnf",
    "/var/cache/libdnf5": "dnf",
    "/var/cache/yum": "yum",
    "/var/cache/zypp": "zypper",
    "/var/cache/pacman/pkg": "pacman",
    "/opt/conda/pkgs": "conda",
}
"""Directories of the system."""

_ANYWHERE = {
    ".cache/pip": "pip",
    ".cache/uv": "uv",
    ".cache/pypoetry": "poetry",
    ".cache/pipenv": "pipenv",
    ".npm/_cacache": "npm",
    ".cache/yarn": "yarn",
    ".yarn/berry/cache": "yarn",
    ".local/share/pnpm/store": "pnpm",
    ".cache/go-build": "go",
    "pkg/mod/cache": "go",
    ".cargo/registry": "cargo",
    "cargo/registry": "cargo",
    ".m2/repository": "maven",
    ".gradle/caches": "gradle",
    ".composer/cache": "composer",
    ".cache/composer": "composer",
    ".bundle/cache": "bundler",
    ".nuget/packages": "nuget",
    ".cache/ccache": "ccache",
    ".cache/bazel": "bazel",
}
"""Directories below a home, or wherever a variable puts it."""

_PATTERN = re.compile(
    "|".join(
        [
            *(f"^{re.escape(path)}(?=/)" for path in _ROOTED),
            *(f"^.*?/{re.escape(path)}(?=/)" for path in _ANYWHERE),
        ]
    )
)


class CacheLeft(msgspec.Struct, frozen=True):
    """A cache: whose it is, its directory, bytes and number of its files."""

    manager: str
    path: str
    bytes: int
    files: int


def caches_left(directories: Iterable[tuple[str, Sequence[int]]]) -> list[CacheLeft]:
    """Return the caches among files, the largest first.

    Args:
        directories: Absolute paths, and the sizes of files that are directly in them.
    """
    sums: dict[tuple[str, str], tuple[int, int]] = {}
    for directory, sizes in directories:
        cache = cache_of(f"{directory}/")
        if cache is not None:
            size, count = sums.get(cache, (0, 0))
            sums[cache] = size + sum(sizes), count + len(sizes)
    found = [CacheLeft(*cache, *each) for cache, each in sums.items()]
    return sorted(found, key=lambda each: (-each.bytes, each.path))


def cache_of(path: str) -> tuple[str, str] | None:
    """Return the manager and the place of the cache that a file is in, None if it is in none."""
    match = _PATTERN.match(path)
    if match is None:
        return None
    place = match[0]
    if place in _ROOTED:
        return _ROOTED[place], place
    name = next(name for name in _ANYWHERE if place.endswith(f"/{name}"))
    return _ANYWHERE[name], place

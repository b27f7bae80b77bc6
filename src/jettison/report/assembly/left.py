"""What stages had and the image has not, as a few lines: base images, caches, directories.

In:  files that were left behind.
Out: ``LeftBehind`` values.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from jettison.analysis.caches import cache_of
from jettison.provenance.totals import StageTotals
from jettison.report.model import LeftBehind

_MOST = 12
_DEPTH = 2


class LeftFiles:
    """Adds up files that were left behind, by stage and what they are."""

    def __init__(self) -> None:
        self._bytes: dict[tuple[int, str], int] = {}
        self._known: dict[str, str] = {}

    def add(self, stage: int, directory: str, names: Sequence[str], sizes: Sequence[int]) -> None:
        """Take files of a stage that are in one directory."""
        what = self._known.get(directory)
        if what is None:
            what = self._known[directory] = what_is(f"{directory}/{names[0]}")
        self._bytes[stage, what] = self._bytes.get((stage, what), 0) + sum(sizes)

    def lines(
        self, stages: Iterable[StageTotals], from_base: dict[int, int], names: dict[int, str]
    ) -> tuple[LeftBehind, ...]:
        """Return what was left behind, the largest first.

        Args:
            stages: Their sums.
            from_base: Stage to the bytes of its base image that are in the image; of those stages
                whose base image could be left behind.
            names: Stage to its name.
        """
        found = [
            LeftBehind(names[stage], what, size)
            for (stage, what), size in self._bytes.items()
            if size
        ]
        for each in stages:
            left = each.base.bytes - from_base.get(each.stage, each.base.bytes)
            if left > 0:
                found.append(LeftBehind(names[each.stage], "base image", left))
        found.sort(key=lambda each: (-each.bytes, each.stage, each.what))
        return tuple(found[:_MOST])


def what_is(path: str) -> str:
    """Return what a file is part of: a cache by its name, or a directory near the root.

    >>> what_is("/root/.cache/go-build/ab/x"), what_is("/usr/lib/gcc/x"), what_is("/src/main.go")
    ('go cache', '/usr/lib', '/src')
    """
    cache = cache_of(path)
    if cache is not None:
        return f"{cache[0]} cache"
    parts = path.split("/")[1:-1]
    return "/" + "/".join(parts[:_DEPTH])

"""Builds of growing size: what a unit more costs must not grow.

In:  a peer and a directory.
Out: contexts on disk and what to time, cold each; ``Point`` values are judged by ``verdict``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from bench import workloads
from bench.cases import Case, cold
from bench.peers import Peer

TOLERANCE = 1.5
"""How much more the last units may cost than those in the middle."""

_REPEAT_BELOW = 4.0
"""Seconds; a shorter build is timed twice, and the faster one counts."""

CURVES: Mapping[str, tuple[Sequence[int], Callable[[Path, int], None]]] = {
    "stages": ((1, 50, 100, 200, 300, 400), workloads.chained_stages),
    "files": (
        (1000, 20_000, 50_000, 100_000, 200_000),
        lambda path, count: workloads.many_files(path, count, 1),
    ),
    "steps": ((1, 50, 100, 150, 200, 300), workloads.run_steps),
    "layers": ((1, 50, 100, 150, 200, 300), workloads.copy_steps),
}


class Point(Struct, frozen=True, tag=True):
    """One build of a curve.

    Attributes:
        curve: Like ``stages``.
        peer: Who built.
        units: How many.
        wall: Seconds.
        cpu: Seconds of processor time.
        failure: Why there are no numbers, or empty.
    """

    curve: str
    peer: str
    units: int
    wall: float = 0
    cpu: float = 0
    failure: str = ""


class Verdict(Struct, frozen=True):
    """What a unit costs in the middle of a curve and at its end, in seconds."""

    middle: float
    last: float

    @property
    def holds(self) -> bool:
        """Whether the cost of a unit does not grow."""
        return self.last <= TOLERANCE * self.middle


def growth(peer: Peer, root: Path, scale: float) -> Iterator[tuple[str, int, Case]]:
    """Yield the curve, its units and the case of each size, smallest first."""
    for curve, (sizes, write) in CURVES.items():
        for units in dict.fromkeys(max(1, int(size * scale)) for size in sizes):
            path = root / f"{curve}-{units}"
            if not (path / "Dockerfile").exists():
                path.mkdir(parents=True, exist_ok=True)
                write(path, units)
            yield curve, units, cold(peer, path, f"bench-{curve}", path.name)


def is_short(wall: float) -> bool:
    """Return whether a build is so short that it should be timed once more."""
    return wall < _REPEAT_BELOW


def verdict(points: Sequence[Point]) -> Verdict | None:
    """Compare what a unit costs up to the middle of a curve, and from there to its end.

    The smallest size is left out: it is all start-up.

    Args:
        points: One curve of one peer, without failures.

    Returns:
        None for fewer than four sizes.
    """
    if len(points) < 4:
        return None
    ordered = sorted(points, key=lambda point: point.units)
    first, middle, last = ordered[1], ordered[len(ordered) // 2], ordered[-1]
    return Verdict(_unit(first, middle), _unit(middle, last))


def _unit(less: Point, more: Point) -> float:
    return (more.wall - less.wall) / (more.units - less.units)

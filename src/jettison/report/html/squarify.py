"""Where the parts of a treemap are: squarified rows, as near to squares as can be.

In:  sizes, the largest first, and a rectangle.
Out: a rectangle for each size; areas are in proportion and fill the rectangle.

``report.js`` does the same in a browser, for the width that it has there; a test compares them.

Source: Bruls, Huizing, van Wijk: Squarified Treemaps (2000).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Box(NamedTuple):
    """A rectangle: its corner at the upper left, and its size, in any unit."""

    x: float
    y: float
    width: float
    height: float

    def inset(self, margin: float, top: float) -> Box:
        """Return what is inside a frame; empty where the frame takes all."""
        width = max(0.0, self.width - 2 * margin)
        height = max(0.0, self.height - top - margin)
        return Box(self.x + margin, self.y + top, width, height)


def squarify(sizes: Sequence[float], box: Box) -> list[Box]:
    """Return a rectangle for each size, in the same order.

    Args:
        sizes: At least 0, the largest first; others give right areas in longer shapes.
        box: Where they go.

    Returns:
        As many as there are sizes; without area where the size or the rectangle has none.
    """
    total = sum(sizes)
    if total <= 0 or box.width <= 0 or box.height <= 0:
        return [Box(box.x, box.y, 0.0, 0.0) for _ in sizes]
    scale = box.width * box.height / total
    placed: list[Box] = []
    left = box
    start = 0
    while start < len(sizes):
        end, area = _row(sizes, start, scale, min(left.width, left.height))
        row, left = _placed([size * scale for size in sizes[start:end]], area, left)
        placed += row
        start = end
    return placed


def _row(sizes: Sequence[float], start: int, scale: float, side: float) -> tuple[int, float]:
    """Return where the row ends that begins at ``start``, and its area.

    A row grows as long as its worst part does not become longer.
    """
    largest = sizes[start] * scale
    area = largest
    worst = _worst(area, largest, largest, side)
    end = start + 1
    while end < len(sizes):
        part = sizes[end] * scale
        longer = _worst(area + part, largest, part, side)
        if longer > worst:
            break
        worst, area, end = longer, area + part, end + 1
    return end, area


def _worst(area: float, largest: float, smallest: float, side: float) -> float:
    """Return the greatest ratio of sides in a row of this area along a side."""
    if area <= 0 or smallest <= 0 or side <= 0:
        return float("inf")
    square = side * side
    return max(square * largest / (area * area), area * area / (square * smallest))


def _placed(areas: Sequence[float], total: float, left: Box) -> tuple[list[Box], Box]:
    """Return the parts of a row along the shorter side, and what is left of the rectangle."""
    upright = left.width >= left.height
    side = left.height if upright else left.width
    depth = min(total / side, left.width if upright else left.height) if side > 0 else 0.0
    row: list[Box] = []
    at = 0.0
    for area in areas:
        length = area / depth if depth > 0 else 0.0
        if upright:
            row.append(Box(left.x, left.y + at, depth, length))
        else:
            row.append(Box(left.x + at, left.y, length, depth))
        at += length
    if upright:
        return row, Box(left.x + depth, left.y, max(0.0, left.width - depth), left.height)
    return row, Box(left.x, left.y + depth, left.width, max(0.0, left.height - depth))

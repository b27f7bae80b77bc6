"""The treemap of an image as it is drawn without JavaScript.

In:  the tree of a ``Report``.
Out: cells: rectangles in percent of the picture, so that it has any width.

``report.js`` draws the same with the same numbers for the width that there is, and goes deeper.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from jettison.console.plain import size
from jettison.report.contents import Node
from jettison.report.html.squarify import Box, squarify
from jettison.report.html.text import fitting

WIDTH, HEIGHT = 1080.0, 540.0
"""The size that cells are laid out for, in pixels."""

FRAME, TITLE = 2.0, 19.0
"""Around what a directory holds, and the room above it for its name."""

LEAST_INSIDE = (30.0, 34.0)
"""Width and height from which a directory shows what is in it."""

LEAST_AREA = 12.0
"""What is smaller is not drawn, in square pixels."""

MOST_TITLE = 160
"""Letters of a path that shows where the pointer is."""

TITLED_AREA = 240.0
"""What is smaller says nothing, so that pages of many small files stay small."""

LETTER = 7.0
"""Width of a letter, at most nearly."""


class Cell(NamedTuple):
    """A rectangle of the picture.

    Args:
        box: In percent.
        color: Class of who made it; empty for a directory that shows what is in it.
        label: Its name as far as there is room.
        size: Its size as text if there is room for a second line.
        title: Path, size and who made it; empty for a small one, which has no label either.
    """

    box: Box
    color: str
    label: str
    size: str
    title: str


def cells(tree: Node, colors: Sequence[str], labels: Sequence[str]) -> list[Cell]:
    """Return the cells of an image, directories before what is in them.

    Args:
        tree: The image's root directory; origins are known ones.
        colors: Class of each origin.
        labels: Name of each origin.
    """
    return list(_inside(tree, "", Box(0, 0, WIDTH, HEIGHT), colors, labels))


def _inside(
    place: Node, path: str, box: Box, colors: Sequence[str], labels: Sequence[str]
) -> Iterator[Cell]:
    sizes = [child.bytes for child in place.children]
    for child, part in zip(place.children, squarify(sizes, box), strict=True):
        if part.width * part.height < LEAST_AREA:
            continue
        below = f"{path}/{child.name}"
        title = f"{fitting(below, MOST_TITLE)}  {size(child.bytes)}"
        opened = bool(child.children) and opens(part)
        if not opened:
            title += f"  {labels[child.origin]}"
        room = int((part.width - 10) / LETTER)
        least = 8 if child.kind == "more" else 3
        yield Cell(
            Box(*(round(each, 2) for each in _percent(part))),
            "" if opened else colors[child.origin],
            fitting(child.name, room) if room >= least and part.height >= 16 else "",
            size(child.bytes) if room >= 8 and part.height >= 36 and not opened else "",
            title if part.width * part.height >= TITLED_AREA else "",
        )
        if opened:
            yield from _inside(child, below, part.inset(FRAME, TITLE), colors, labels)


def opens(box: Box) -> bool:
    """Return whether a directory of this size shows what is in it."""
    return box.width >= LEAST_INSIDE[0] and box.height >= LEAST_INSIDE[1]


def _percent(box: Box) -> tuple[float, float, float, float]:
    across, down = 100 / WIDTH, 100 / HEIGHT
    return box.x * across, box.y * down, box.width * across, box.height * down

"""Aligned columns of cells that anybody may have written.

In:  rows of texts.
Out: lines that fit a width; what steers a terminal is shown, not sent.
"""

from __future__ import annotations

from collections.abc import Container, Sequence

from jettison.console.cells import clip, pad, width
from jettison.console.terminal import columns
from jettison.linux.text import printable

GAP = 3
_LEAST = 4


def lay_out(
    rows: Sequence[Sequence[str]],
    *,
    right: Container[int] = (),
    gap: int = GAP,
    most: int | None = None,
) -> str:
    """Return aligned lines; cells may be anybody's.

    Args:
        rows: Of equal length.
        right: Columns whose cells end below each other.
        gap: Cells between columns.
        most: Cells of a line; 0 for any number, None for those of the terminal.
    """
    rows = [[printable(cell) for cell in row] for row in rows]
    widths = [max(width(row[column]) for row in rows) for column in range(len(rows[0]))]
    between = " " * _fit(widths, columns() if most is None else most, gap)
    lines = []
    for row in rows:
        cells = []
        for column, (cell, room) in enumerate(zip(row, widths, strict=True)):
            shown = clip(cell, room)
            cells.append(
                " " * (room - width(shown)) + shown if column in right else pad(shown, room)
            )
        lines.append(between.join(cells).rstrip())
    return "".join(f"{line}\n" for line in lines)


def _fit(widths: list[int], most: int, gap: int) -> int:
    """Make columns narrower, the widest first, until they fit a terminal; return their distance.

    Args:
        widths: Of the columns; changed.
        most: Cells of a line; 0 for any number.
        gap: The distance, where there is room.
    """
    if not most or sum(widths) + gap * (len(widths) - 1) <= most:
        return gap
    room = most - (len(widths) - 1)
    while sum(widths) > room and max(widths) > _LEAST:
        widths[widths.index(max(widths))] -= 1
    return 1

"""Tables in docker's shape: upper-case titles, three spaces between columns."""

from __future__ import annotations

from collections.abc import Container, Sequence

from jettison.console.cells import clip, pad, width
from jettison.console.terminal import columns
from jettison.linux.text import printable

_COLUMN = 10
_GAP = 3
_LEAST = 4


def table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return aligned lines, the titles first, ending in a newline; cells may be anybody's.

    On a terminal that is too narrow, the widest columns are cut.

    >>> print(table(["NAME", "SIZE"], [["python", "1MB"]]), end="")
    NAME     SIZE
    python   1MB
    """
    return lay_out([titles, *rows])


def lay_out(rows: Sequence[Sequence[str]], *, right: Container[int] = (), gap: int = _GAP) -> str:
    """Return aligned lines; cells may be anybody's.

    Args:
        rows: Of equal length.
        right: Columns whose cells end below each other.
        gap: Cells between columns.
    """
    rows = [[printable(cell) for cell in row] for row in rows]
    widths = [max(width(row[column]) for row in rows) for column in range(len(rows[0]))]
    between = " " * _fit(widths, columns(), gap)
    lines = []
    for row in rows:
        cells = []
        for column, (cell, most) in enumerate(zip(row, widths, strict=True)):
            shown = clip(cell, most)
            cells.append(
                " " * (most - width(shown)) + shown if column in right else pad(shown, most)
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


def aligned(lines: Sequence[str]) -> str:
    """Return lines whose cells, which tabs separate, stand below each other.

    A column is at least ten wide, with the blanks behind it; the last cell of a line is in none.
    """
    rows = [line.split("\t") for text in lines for line in text.split("\n")]
    widths: list[int] = []
    for row in rows:
        widths += [_COLUMN] * (len(row) - 1 - len(widths))
        for column, cell in enumerate(row[:-1]):
            widths[column] = max(widths[column], width(cell) + _GAP)
    return "".join(
        "".join(pad(cell, widths[column]) for column, cell in enumerate(row[:-1])) + f"{row[-1]}\n"
        for row in rows
    )


def ago(seconds: float) -> str:
    """Return a duration as docker says it: ``3 hours ago``.

    >>> ago(5), ago(90), ago(7200), ago(86400 * 3)
    ('5 seconds ago', 'About a minute ago', '2 hours ago', '3 days ago')
    """
    if seconds < 0:
        return "in the future"
    if seconds < 1:
        return "Less than a second ago"
    if 60 <= seconds < 120:
        return "About a minute ago"
    if 3600 <= seconds < 7200:
        return "About an hour ago"
    units = (
        (31536000 * 2, 31536000, "years"),
        (86400 * 60, 86400 * 30, "months"),
        (86400 * 14, 604800, "weeks"),
        (86400 * 2, 86400, "days"),
        (7200, 3600, "hours"),
        (120, 60, "minutes"),
    )
    for least, unit, name in units:
        if seconds >= least:
            return f"{int(seconds // unit)} {name} ago"
    if seconds >= 86400:
        return f"{int(seconds // 3600)} hours ago"
    return f"{int(seconds)} second{'s' if int(seconds) != 1 else ''} ago"

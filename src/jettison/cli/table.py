"""Tables in docker's shape: upper-case titles, three spaces between columns."""

from __future__ import annotations

from collections.abc import Sequence

from jettison.console.cells import pad, width
from jettison.console.table import GAP, lay_out

_COLUMN = 10


def table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return aligned lines, the titles first, ending in a newline; cells may be anybody's.

    On a terminal that is too narrow, the widest columns are cut.

    >>> print(table(["NAME", "SIZE"], [["python", "1MB"]]), end="")
    NAME     SIZE
    python   1MB
    """
    return lay_out([titles, *rows])


def aligned(lines: Sequence[str]) -> str:
    """Return lines whose cells, which tabs separate, stand below each other.

    A column is at least ten wide, with the blanks behind it; the last cell of a line is in none.
    """
    rows = [line.split("\t") for text in lines for line in text.split("\n")]
    widths: list[int] = []
    for row in rows:
        widths += [_COLUMN] * (len(row) - 1 - len(widths))
        for column, cell in enumerate(row[:-1]):
            widths[column] = max(widths[column], width(cell) + GAP)
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

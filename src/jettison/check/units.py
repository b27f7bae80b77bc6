"""Numbers as findings say them."""

from __future__ import annotations

MEGABYTE = 1_000_000


def size(count: int) -> str:
    """Return bytes for people, in powers of 1000.

    >>> size(999), size(1_500_000), size(2_340_000_000)
    ('999 B', '1.5 MB', '2.3 GB')
    """
    number = float(count)
    for unit in ("B", "kB", "MB"):
        if number < 1000:
            return f"{number:.0f} B" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} GB"


def counted(count: int, noun: str) -> str:
    """Return a number of things.

    >>> counted(1, "file"), counted(1200, "file")
    ('1 file', '1,200 files')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def seconds(count: float) -> str:
    """Return a duration for people.

    >>> seconds(0.42), seconds(41.23), seconds(125)
    ('0.4 s', '41 s', '125 s')
    """
    return f"{count:.1f} s" if count < 10 else f"{count:.0f} s"

"""Numbers of bytes, as findings write them."""

from __future__ import annotations


def amount(count: int) -> str:
    """Return a number of bytes in the unit that suits it.

    >>> amount(0), amount(999), amount(12_345_678)
    ('0 B', '999 B', '12.3 MB')
    """
    value = float(count)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:.3g} GB"

"""How wide text is on a terminal: in cells, which is not the number of characters.

In:  text without control characters.
Out: widths, and text that fits one.

Source: Unicode's East Asian Width (wide and fullwidth characters take two cells), and its marks
that combine with the character before (none).
"""

from __future__ import annotations

ELLIPSIS = "…"
_NONE = ("Mn", "Me", "Cf")
_VOWELS = range(0x1160, 0x1200)
"""Of Hangul, which are drawn in the cells of their consonant."""


def width(text: str) -> int:
    """Return the cells that a text takes.

    >>> width("abc"), width("漢字"), width("e\u0301")
    (3, 4, 1)
    """
    return len(text) if text.isascii() else sum(map(_cells, text))


def clip(text: str, cells: int) -> str:
    """Return what fits, with a mark at its end if that is not all.

    >>> clip("abcdef", 4), clip("漢字漢", 4), clip("abc", 3)
    ('abc…', '漢…', 'abc')
    """
    if width(text) <= cells:
        return text
    room = cells - 1
    if room < 0:
        return ""
    end = 0
    for end, char in enumerate(text):  # noqa: B007 - where it ends is what is wanted
        room -= _cells(char)
        if room < 0:
            break
    return text[:end] + ELLIPSIS


def pad(text: str, cells: int) -> str:
    """Return text with blanks behind it, so that it takes so many cells at least.

    >>> pad("漢", 4) + "|"
    '漢  |'
    """
    return text + " " * (cells - width(text))


def _cells(char: str) -> int:
    if char < "\u0300":  # nothing below is wide or combines, but for the soft hyphen, which shows
        return 1
    import unicodedata  # what most people never need

    if unicodedata.category(char) in _NONE or ord(char) in _VOWELS:
        return 0
    return 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1

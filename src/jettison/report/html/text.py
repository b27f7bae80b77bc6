"""Text for the page: names that others chose made harmless to read.

In:  strings of a ``Report``.
Out: strings. Markup is escaped where they are put in; here is what escaping leaves: characters
     that cannot be seen, reverse the order of others, pile up, or never end.
"""

from __future__ import annotations

import unicodedata

MOST = 400
"""Characters of a text that are shown; of longer ones the beginning and the end are."""

MOST_MARKS = 2
"""Marks on one letter; languages need no more, and more would cover the lines above."""


def visible(text: str, most: int = MOST) -> str:
    r"""Return a text of which every character is seen, and that is not too long.

    >>> visible("a\x1b[31m\u202eb")
    'a\\x1b[31m\\u202eb'
    """
    text = shorten(text, most)
    if text.isascii() and text.isprintable():
        return text
    marks = 0
    shown: list[str] = []
    for char in text:
        marks = marks + 1 if unicodedata.category(char).startswith("M") else 0
        harmless = char.isprintable() and marks <= MOST_MARKS
        shown.append(char if harmless else _escaped(char))
    return "".join(shown)


def fitting(text: str, most: int) -> str:
    r"""Return a text of which every character is seen, in at most so many letters.

    >>> fitting("node\x1b[31m", 7)
    'nod…31m'
    """
    return shorten(visible(text), most)


def named(stage: str) -> str:
    """Return how a stage is called; one without a name has its number.

    >>> named("build"), named("2")
    ('build', 'stage 2')
    """
    return f"stage {stage}" if stage.isdecimal() else stage


def shorten(text: str, most: int) -> str:
    """Return a text of at most so many characters; what is left out of its middle is ``…``.

    >>> shorten("node_modules/typescript", 11)
    'node_…cript'
    """
    if len(text) <= most:
        return text
    end = (most - 1) // 2
    return f"{text[: most - 1 - end]}…{text[len(text) - end :]}"


def _escaped(char: str) -> str:
    number = ord(char)
    if 0xDC80 <= number <= 0xDCFF:  # a byte that is no UTF-8, as Python keeps it
        return f"\\x{number - 0xDC00:02x}"
    if number <= 0xFF:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"

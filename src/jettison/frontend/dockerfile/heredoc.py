"""Heredocs: which words of a line announce one.

In:  a logical line of RUN, COPY or ADD.
Out: ``Heredoc`` values without their bodies.
"""

from __future__ import annotations

import re

from jettison.errors import ExpansionError
from jettison.frontend.dockerfile.syntax import Heredoc
from jettison.frontend.dockerfile.words import raw_words

_WORD = re.compile(r"([0-9]*)<<(-?)\s*([^<]*)")
_MAX_DIGITS = 18


def parse_heredoc(word: str) -> Heredoc | None:
    """Return the heredoc that a raw word announces (``<<EOF``, ``3<<-"EOF"``), or None.

    A delimiter with an open quote announces none.

    >>> parse_heredoc("<<-'END'")
    Heredoc(name='END', content='', expand=False, chomp=True, file_descriptor=0)
    """
    match = _WORD.fullmatch(word)
    if match is None or not match[3]:
        return None
    try:
        names = raw_words(match[3], raw=False)
        written = raw_words(match[3], raw=True)
    except ExpansionError:
        return None
    if len(names) != 1 or len(written) != 1:
        return None
    return Heredoc(
        name=names[0],
        content="",
        expand=names == written,
        chomp=bool(match[2]),
        file_descriptor=int(match[1][:_MAX_DIGITS] or "0"),
    )


def find_heredocs(line: str) -> list[Heredoc]:
    """Return the heredocs of a line in order; a line with an open quote has none."""
    try:
        words = raw_words(line, raw=True)
    except ExpansionError:
        return []
    return [found for word in words if (found := parse_heredoc(word)) is not None]

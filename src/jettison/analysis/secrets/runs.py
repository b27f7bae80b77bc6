"""Parts of bytes that may be tokens: long runs of the characters that tokens are made of.

In:  bytes.
Out: its runs, each with a few bytes before it. Of most text that is next to nothing, and found in
     three passes over it, however many words are then looked for.
"""

from __future__ import annotations

LEAST = 20
"""So many characters has the shortest run."""
BEFORE = 16
"""So many bytes before a run are taken with it: a word may end in a character of no token."""

_CHARS = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/_-")
_CLASSES = bytes(b"x"[0] if char in _CHARS else b" "[0] for char in range(256))
_RUN = b"x" * LEAST


def long_runs(data: bytes) -> bytes:
    r"""Return the long runs, with what is before each, in lines.

    >>> long_runs(b"a short one, key=0123456789abcdefghij, and more words")
    b' short one, key=0123456789abcdefghij'
    """
    classes = data.translate(_CLASSES)
    found = []
    begin = classes.find(_RUN)
    while begin >= 0:
        end = classes.find(b" ", begin + LEAST)
        if end < 0:
            end = len(data)
        found.append(data[max(0, begin - BEFORE) : end])
        begin = classes.find(_RUN, end)
    return b"\n".join(found)

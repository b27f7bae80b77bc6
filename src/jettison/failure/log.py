r"""The end of a step's output, as causes look at it.

In:  text as the process wrote it (hostile: escapes, progress bars, endless lines).
Out: lines without escapes, cut, and matches of patterns in them.

Bounded: the last 64 KiB count, of each line the first 600 characters, and a pattern is tried on
lines that hold its literal only; where its time grows with the square of a line's length, that is
still little.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

MAX_CHARACTERS = 1 << 16
MAX_LINE = 600
_ESCAPES = re.compile(
    r"\x1b(?:\[[0-?]{0,32}[ -/]{0,4}[@-~]|\][^\x07\x1b\n]{0,400}(?:\x07|\x1b\\)|[@-Z\\-_])"
)

Sign = tuple[str, str]
"""A literal in lower case that a line must hold, and the pattern that is searched in it then."""


class Log:
    """The lines of an output.

    Args:
        text: All of it, or its end.
    """

    def __init__(self, text: str) -> None:
        self.raw = text[-MAX_CHARACTERS:]
        text = _ESCAPES.sub("", self.raw) if "\x1b" in self.raw else self.raw
        text = text.replace("\u2018", "'").replace("\u2019", "'")  # quotes of some locales
        # A carriage return draws a line again: what is seen in the end counts.
        lines = (each.rstrip("\r ").rpartition("\r")[2][:MAX_LINE] for each in text.split("\n"))
        self.lines = tuple(each for each in lines if each.strip())
        self._lowered = tuple(each.lower() for each in self.lines)
        self._all = "\n".join(self._lowered)

    def __contains__(self, literal: str) -> bool:
        return literal in self._all

    def all(self, *signs: Sign, last: int = 0) -> Iterator[re.Match[str]]:
        """Yield all matches, the last line first.

        Args:
            signs: What to look for.
            last: Look at so many lines only, counted from the end; 0 is all.
        """
        present = [(literal, re.compile(pattern)) for literal, pattern in signs if literal in self]
        if not present:
            return
        first = max(0, len(self.lines) - last) if last else 0
        for index in range(len(self.lines) - 1, first - 1, -1):
            for literal, pattern in present:
                if literal in self._lowered[index]:
                    found = pattern.search(self.lines[index])
                    if found is not None:
                        yield found

    def find(self, *signs: Sign, last: int = 0) -> re.Match[str] | None:
        """Return the last match, if there is one."""
        return next(self.all(*signs, last=last), None)

    def first(self, *signs: Sign) -> re.Match[str] | None:
        """Return the first match, if there is one."""
        return next(reversed(tuple(self.all(*signs))), None)

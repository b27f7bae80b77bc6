"""Finds many byte strings in streams at once.

In:  needles; chunks of a stream.
Out: where needles are; from where on a chunk may be the beginning of one.

Wrapped needles are looked for in the chunk without its line breaks: they do not hide one, wherever
they are.

Where there are many needles, one that cannot be in a chunk costs nothing: words of eight bytes are
looked up, those at multiples of eight in the chunk and those at the first eight places in the
needles. Every needle of fifteen bytes or more has one of its words at a multiple of eight, wherever
it stands. For shorter needles the words have four bytes.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal

from jettison.analysis.secrets.encodings import Needle

_WORD = 4
_WIDE_WORD = 8
_FEW = 12
"""So many texts are found one by one as fast as by looking at every place."""
_MANY = 1 << 14
"""So many bytes of texts are worth a table of all their beginnings."""
_LEAD = 3
"""So many characters before a line break are not held back: many lines end by chance as a wrapped
needle begins. Such a needle is found without them, if so much is left:"""
_SHORTEST = 6
_BREAKS = b"\r\n"
_BREAK = re.compile(rb"[\r\n]+")

Span = tuple[int, int]
Hit = tuple[int, int, int]
"""Begin, end, index of the needle."""


class Matcher:
    """Looks for needles.

    Args:
        needles: What to look for.
        whole: Find only whole needles: the whole stream is looked at before any of it is shown.
    """

    def __init__(self, needles: Sequence[Needle], *, whole: bool = False) -> None:
        plain = [(each.text, at) for at, each in enumerate(needles) if not each.wrapped]
        self._plain = _Texts(plain, lead=0)
        lead = 0 if whole else _LEAD
        self._wrapped = _Texts([(n.text, at) for at, n in enumerate(needles) if n.wrapped], lead)
        longest = max(self._plain.longest, 3 * self._wrapped.longest)
        self.overlap = max(longest - 1, 0)
        """So many bytes of a chunk may belong to a needle that ends in the next."""

    def hits(self, data: bytes) -> Iterator[Hit]:
        """Yield where needles are, in no order."""
        yield from self._plain.hits(data)
        if self._wrapped:
            place: Callable[[int], int] | None = None
            for begin, end, needle in self._wrapped.hits(data.translate(None, _BREAKS)):
                place = place or _places(data)
                yield place(begin), place(end - 1) + 1, needle

    def spans(self, data: bytes) -> list[Span]:
        """Return the parts that needles cover, sorted and apart from each other."""
        return merged((begin, end) for begin, end, _ in self.hits(data))

    def incomplete(self, data: bytes) -> int:
        """Return from where on data may be the beginning of a needle; its length for nowhere."""
        least = self._plain.incomplete(data)
        if self._wrapped:
            begin = max(0, len(data) - self.overlap)
            rest = data[begin:]
            seen = rest.translate(None, _BREAKS)
            shortest = _LEAD + 1 if rest.endswith((b"\r", b"\n")) else 1
            at = -1
            while (at := self._wrapped.incomplete(seen, at + 1, shortest)) < len(seen):
                place = _places(rest)(at)
                found = _BREAK.search(rest, place)
                if found is None or found.start() - place > _LEAD:
                    return min(least, begin + place)
        return least


def merged(spans: Iterable[Span]) -> list[Span]:
    """Return spans sorted, those that touch made one.

    >>> merged([(5, 9), (0, 3), (3, 4), (6, 7)])
    [(0, 4), (5, 9)]
    """
    found: list[Span] = []
    for begin, end in sorted(spans):
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((begin, end))
    return found


class _Texts:
    """Texts to look for in one view of the data.

    Args:
        texts: Each with the number that hits tell.
        lead: So many first characters of a text need not be there.
    """

    def __init__(self, texts: Sequence[tuple[bytes, int]], lead: int) -> None:
        self._texts: list[tuple[bytes, bytes, int]] = []
        self._short: list[int] = []
        self._words = _Words(_WORD, "I")
        self._wide_words = _Words(_WIDE_WORD, "Q")
        self._starts: dict[bytes, list[bytes]] = {}
        self.longest = max((len(text) for text, _ in texts), default=0)
        for text, needle in texts:
            left_out = max(0, min(lead, len(text) - _SHORTEST))
            sought = text[left_out:]
            self._index(sought)
            self._texts.append((sought, text[:left_out], needle))
            for at in range(left_out + 1):
                self._note_start(text[at:])
        self._rests = self._index_rests()

    def __bool__(self) -> bool:
        return bool(self._texts)

    def hits(self, data: bytes) -> Iterator[Hit]:
        for index in self._possible(data):
            text, lead, needle = self._texts[index]
            at = data.find(text)
            while at >= 0:
                begin = at
                for char in reversed(lead):
                    if not begin or data[begin - 1] != char:
                        break
                    begin -= 1
                yield begin, at + len(text), needle
                at = data.find(text, at + 1)

    def incomplete(self, data: bytes, begin: int = 0, least: int = 1) -> int:
        """Return the first place where the data's rest begins a text; its length for nowhere.

        Args:
            data: What has come.
            begin: The first place that counts.
            least: So long has the rest to be.
        """
        for at in self._begun(data, max(begin, len(data) - self.longest + 1, 0)):
            rest = data[at:]
            if len(rest) < least:
                break
            texts = self._starts.get(rest[:_WORD], ())
            if any(len(rest) < len(text) and text.startswith(rest) for text in texts):
                return at
        return len(data)

    def _begun(self, data: bytes, begin: int) -> Iterator[int]:
        """Yield places where data may begin a text, in order."""
        size = len(data)
        if self._rests is None:
            for at in range(begin, size):
                if data[at : at + _WORD] in self._starts:
                    yield at
            return
        for length in self._rests.get(data[-_WORD:], ()):
            if size - length >= begin:
                yield size - length
        for at in range(max(begin, size - _WORD + 1), size):
            if data[at:] in self._starts:
                yield at

    def _possible(self, data: bytes) -> Iterable[int]:
        if len(self._texts) <= _FEW:
            return range(len(self._texts))
        found = self._words.possible(data) | self._wide_words.possible(data)
        return (*self._short, *sorted(found))

    def _index(self, text: bytes) -> None:
        index = len(self._texts)
        for words in (self._wide_words, self._words):
            if len(text) >= words.least:
                words.add(text, index)
                return
        self._short.append(index)

    def _note_start(self, text: bytes) -> None:
        for length in range(1, _WORD + 1):
            self._starts.setdefault(text[:length], []).append(text)

    def _index_rests(self) -> dict[bytes, list[int]] | None:
        """Return how long the rest of data may be, the longest first, by its last four bytes."""
        texts = {text for begun in self._starts.values() for text in begun}
        if sum(map(len, texts)) > _MANY:
            return None
        found: dict[bytes, set[int]] = {}
        for text in texts:
            for length in range(_WORD, len(text)):
                found.setdefault(text[length - _WORD : length], set()).add(length)
        return {word: sorted(lengths, reverse=True) for word, lengths in found.items()}


class _Words:
    """Words of texts: which text a chunk may hold.

    Args:
        width: Bytes of a word.
        kind: Of an unsigned number of that width, as in ``struct``.
    """

    def __init__(self, width: int, kind: Literal["I", "Q"]) -> None:
        self._width, self._kind = width, kind
        self.least = 2 * width - 1
        """So long is a text that has a word at a multiple of the width, wherever it stands."""
        self._texts: dict[int, list[int]] = {}

    def add(self, text: bytes, index: int) -> None:
        """Take a text of at least ``least`` bytes."""
        for at in range(self._width):
            word: int = memoryview(text)[at : at + self._width].cast(self._kind)[0]
            self._texts.setdefault(word, []).append(index)

    def possible(self, data: bytes) -> set[int]:
        """Return the indexes of texts that may be in data."""
        if not self._texts:
            return set()
        whole = len(data) // self._width * self._width
        words: memoryview[int] = memoryview(data)[:whole].cast(self._kind)
        if self._texts.keys().isdisjoint(words):
            return set()
        return {index for word in self._texts.keys() & set(words) for index in self._texts[word]}


def _places(data: bytes) -> Callable[[int], int]:
    """Return a function from places in data without line breaks to those in data."""
    before: list[int] = []
    removed = [0]
    for found in _BREAK.finditer(data):
        before.append(found.start() - removed[-1])
        removed.append(removed[-1] + found.end() - found.start())
    return lambda at: at + removed[bisect.bisect_right(before, at)]

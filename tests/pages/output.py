"""What of a command's output a page shows, and what of it may be another the next time.

Times, sizes, shares, digests, the ids of images, ports and widths of columns differ from machine
to machine: two outputs are alike when they are equal but for these.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

GAP = "…"
_VARIES = (
    (re.compile(r"\b[0-9a-f]{64}\b"), "DIGEST"),
    (re.compile(r"\b(?=[a-f]*[0-9])[0-9a-f]{12}\b"), "ID"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z| UTC|[+-]\d\d:?\d\d)?"), "TIME"),
    (re.compile(r"\b(\d+|an?|about an?|less than an?) (second|minute|hour)s?( ago)?\b", re.IGNORECASE), "AGO"),
    (re.compile(r"\b\d+(\.\d+)? ?(s|ms)\b"), "SECONDS"),
    (re.compile(r"\b\d+(\.\d+)? ?[kMGT]?i?B\b"), "SIZE"),
    (re.compile(r"\b\d+(\.\d+)? ?%"), "SHARE"),
    (re.compile(r"(?<=\d\.\d\.\d\.\d:)\d{2,5}\b|(?<=localhost:)\d{2,5}\b"), "PORT"),
    (re.compile(r"[ \t]+"), " "),
    (re.compile(r"-{4,}"), "----"),
)  # fmt: skip


def normal(line: str) -> str:
    """Return a line without what varies."""
    for pattern, word in _VARIES:
        line = pattern.sub(word, line)
    return line.rstrip()


def alike(shown: Sequence[str], said: Sequence[str]) -> bool:
    """Tell whether two outputs are equal but for what varies."""
    return [*map(normal, shown)] == [*map(normal, said)]


def selected(lines: Sequence[str], show: str) -> list[str]:
    """Return the lines that a page shows, with a sign where others are left out.

    Args:
        show: ``all``, ``none``, ``last N``, or an expression between slashes.
    """
    if show == "all":
        return list(lines)
    if show == "none":
        return []
    if match := re.fullmatch(r"last (\d+)", show):
        kept = range(max(0, len(lines) - int(match[1])), len(lines))
    elif match := re.fullmatch(r"/(.*)/", show):
        kept = [n for n, line in enumerate(lines) if re.search(match[1], line)]
    else:
        raise ValueError(f"what is to be shown? {show!r}")
    found: list[str] = []
    following = 0
    for n in kept:
        if any(lines[following:n]):
            found.append(GAP)
        found.append(lines[n])
        following = n + 1
    if kept and any(lines[following:]):
        found.append(GAP)
    return found

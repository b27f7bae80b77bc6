"""Words: what was probably meant by one that is not known, and which say yes or no.

In:  a word that is not known, words that are; the value of an attribute.
Out: those that it is a slip of; often none. True, false or neither.
"""

from __future__ import annotations

from collections.abc import Iterable

_TRUE = frozenset({"true", "1", "t", "yes", ""})
_FALSE = frozenset({"false", "0", "f", "no"})
_SLIPS = 2
_LONG = 6


def distance(left: str, right: str, *, swaps: bool = False) -> int:
    """Return how many characters must be inserted, removed or replaced.

    With ``swaps`` two neighbours that changed places count once.

    >>> distance("--tga", "--tag"), distance("--tga", "--tag", swaps=True)
    (2, 1)
    """
    above: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        below = [i]
        for j, b in enumerate(right, 1):
            cost = min(row[j] + 1, below[-1] + 1, row[j - 1] + (a != b))
            if swaps and i > 1 and j > 1 and a == right[j - 2] and b == left[i - 2]:
                cost = min(cost, above[j - 2] + 1)
            below.append(cost)
        above, row = row, below
    return row[-1]


def near_misses(wrong: str, known: Iterable[str]) -> list[str]:
    """Return what was probably meant, the most alike first: often nothing.

    A slip of one letter, or of two in a long name, that leaves the first letter as it is:
    `--gpus` is not `--cpus`.

    >>> near_misses("--tga", ["--tag", "--target"]), near_misses("--gpus", ["--cpus"])
    (['--tag'], [])
    """
    name = wrong.lstrip("-")
    most = _SLIPS if len(name) > _LONG else 1
    alike = (
        each
        for each in known
        if each.lstrip("-")[:1] == name[:1] and abs(len(each) - len(wrong)) <= most
    )
    near = sorted((distance(wrong, each, swaps=True), each) for each in alike)
    return [each for slips, each in near if slips <= most]


def truth(text: str) -> bool | None:
    """Return what the value of an attribute such as ``push=true`` says; None if it is neither.

    An attribute without a value is true.

    >>> truth("Yes"), truth(""), truth("0"), truth("perhaps")
    (True, True, False, None)
    """
    word = text.lower()
    return True if word in _TRUE else False if word in _FALSE else None

"""Long lists of path patterns: what a path costs does not grow with their number.

In:  patterns as text and expression, each with the number of its run (see ``fs.pattern``).
Out: the runs that match a path, and whether one may match below a directory.

Most patterns hold three characters in a row that each path they match must hold, too. Such a
*gram* leads from a path to the few patterns that are worth a test; names and endings without
wildcards are looked up as they are. What may match below a directory is read from a trie of the
patterns' components.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from jettison.fs.glob import IgnorePattern, is_special, name_pattern

_GRAM = 3
_START, _END = "\x02", "\x03"
_WILDCARDS = re.compile(r"\*\*/|\*\*|[*?]")
_HARD = re.compile(r"[\[\\]")


class _Test:
    """A pattern that must be tried; its expression is compiled when it first is."""

    __slots__ = ("bit", "compiled", "pattern")

    def __init__(self, bit: int, pattern: IgnorePattern) -> None:
        self.bit = bit
        self.pattern = pattern
        self.compiled: re.Pattern[str] | None = None

    def match(self, path: str) -> bool:
        if self.compiled is None:
            self.compiled = re.compile(self.pattern.expression)
        return self.compiled.fullmatch(path) is not None


class PatternIndex:
    """All patterns of a list.

    Args:
        runs: Patterns by run, in order.
    """

    def __init__(self, runs: Sequence[Sequence[IgnorePattern]]) -> None:
        self._runs = runs
        self._tries: dict[bool, _ComponentTrie] = {}
        self._paths: dict[str, int] = {}
        self._endings: dict[str, int] = {}
        self._tests: dict[str, list[_Test]] = {}
        self._others: list[_Test] = []
        special: list[tuple[_Test, list[str]]] = []
        for number, patterns in enumerate(runs):
            bit = 1 << number
            for each in patterns:
                ending = each.text[3:]
                if not each.is_special:
                    _add(self._paths, each.text, bit)
                elif each.text.startswith("**/") and not is_special(ending):
                    _add(self._endings, ending, bit)
                else:
                    special.append((_Test(bit, each), _grams(each.text)))
        counts = Counter(gram for _, grams in special for gram in grams)
        for test, grams in special:
            if grams:
                self._tests.setdefault(min(grams, key=counts.__getitem__), []).append(test)
            else:
                self._others.append(test)

    def runs_of(self, path: str) -> int:
        """Return the runs that match exactly a path, as bits."""
        found = self._paths.get(path, 0)
        endings = self._endings
        if endings:
            found |= endings.get(path, 0)
            start = path.find("/")
            while start >= 0:
                found |= endings.get(path[start + 1 :], 0)
                start = path.find("/", start + 1)
        tests = self._tests
        if tests:
            padded = f"{_START}{path}{_END}"
            for start in range(len(padded) - _GRAM + 1):
                for test in tests.get(padded[start : start + _GRAM], ()):
                    if not found & test.bit and test.match(path):
                        found |= test.bit
        for test in self._others:
            if not found & test.bit and test.match(path):
                found |= test.bit
        return found

    def may_match_below(self, directory: Sequence[str], *, negated: bool, first: int) -> bool:
        """Tell whether a path below a directory may match a pattern with a sign.

        Args:
            directory: Its components.
            negated: The sign.
            first: Number of the first run that counts.
        """
        trie = self._tries.get(negated)
        if trie is None:
            trie = self._tries[negated] = _ComponentTrie(
                (number, each)
                for number, run in enumerate(self._runs)
                for each in run
                if each.negated == negated
            )
        return trie.may_match_below(directory, first)


def _add(names: dict[str, int], name: str, bit: int) -> None:
    names[name] = names.get(name, 0) | bit


def _grams(pattern: str) -> list[str]:
    """Return what each path that a pattern matches holds, begins with or ends with.

    >>> _grams("a*bcd.?c")
    ['bcd', 'cd.']
    """
    hard = _HARD.search(pattern)
    chunks = _WILDCARDS.split(pattern[: hard.start()] if hard else pattern)
    chunks[0] = _START + chunks[0] if chunks[0] else ""
    if not hard:
        chunks[-1] = chunks[-1] + _END if chunks[-1] else ""
    return [
        chunk[start : start + _GRAM] for chunk in chunks for start in range(len(chunk) - _GRAM + 1)
    ]


class _ComponentTrie:
    """The components of patterns with one sign.

    Args:
        patterns: Runs' numbers and their patterns.
    """

    def __init__(self, patterns: Iterable[tuple[int, IgnorePattern]]) -> None:
        self._root = _Node()
        for run, pattern in patterns:
            node = self._root
            for component in pattern.components:
                node.below = max(node.below, run)
                if "**" in component or (_HARD.search(component) and not name_pattern(component)):
                    node.anything = max(node.anything, run)
                    break
                node = node.child(component)

    def may_match_below(self, directory: Sequence[str], first: int) -> bool:
        """Tell whether a path below a directory may match a pattern of a run.

        Args:
            directory: Its components.
            first: The first run that counts.
        """
        nodes = [self._root]
        for name in directory:
            if any(node.anything >= first for node in nodes):
                return True
            nodes = [
                child for node in nodes for child in node.matching(name) if child.below >= first
            ]
        return any(node.below >= first for node in nodes)


class _Node:
    """A place in a trie; ``below`` and ``anything`` are numbers of the last such run.

    ``below`` is of patterns that go on here, ``anything`` of those that go on with ``**`` or in
    a way that only the whole pattern tells.
    """

    __slots__ = ("_compiled", "_names", "_wild", "anything", "below")

    def __init__(self) -> None:
        self.below = -1
        self.anything = -1
        self._names: dict[str, _Node] = {}
        self._wild: dict[str, _Node] = {}
        self._compiled: list[tuple[re.Pattern[str] | None, _Node]] | None = None

    def child(self, component: str) -> _Node:
        """Return the place behind a component, which is made when it is not there."""
        children = self._wild if is_special(component) else self._names
        found = children.get(component)
        if found is None:
            found = children[component] = _Node()
        return found

    def matching(self, name: str) -> list[_Node]:
        """Return the places behind the components that match a name."""
        if self._compiled is None:
            self._compiled = [(name_pattern(text), node) for text, node in self._wild.items()]
        found = [node for compiled, node in self._compiled if compiled and compiled.fullmatch(name)]
        named = self._names.get(name)
        return found if named is None else [*found, named]

"""Path patterns: the patterns of docker's ignore files.

In:  pattern text, slash-separated relative paths.
Out: whether they match.

A ``PatternMatcher`` has the last matching pattern decide, ``!`` patterns negate, and a pattern
that matches a directory matches all below it. Walks call ``step`` with the state of the parent
directory, so that each path costs one test per run of patterns with the same sign; long lists
have an index (``fs.pattern_index``).

Source: the rules of docker's ``patternmatcher``, as described in its documentation and pinned by
its test table.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from jettison.fs.glob import IgnorePattern, PatternError, clean_path, is_special

if TYPE_CHECKING:
    from jettison.fs.pattern_index import PatternIndex


FEW_PATTERNS = 64
"""Up to so many patterns are tried one after the other, which is faster then."""


class _Run:
    """Successive patterns with one sign: it does not matter which of them matches."""

    __slots__ = ("_exact", "_expression", "_suffixes", "negated", "patterns")

    def __init__(self, patterns: Sequence[IgnorePattern]) -> None:
        self.negated = patterns[0].negated
        self.patterns = patterns
        self._exact: set[str] = set()
        self._suffixes: tuple[str, ...] = ()
        self._expression: re.Pattern[str] | None = None

    def prepare(self) -> None:
        """Make ready for ``match``; where there is an index, the run itself matches nothing."""
        suffixes: list[str] = []
        others: list[str] = []
        for each in self.patterns:
            if not each.is_special:
                self._exact.add(each.text)
            elif each.text.startswith("**/") and not is_special(each.text[3:]):
                # The commonest kind of all, and far cheaper without an expression.
                self._exact.add(each.text[3:])
                suffixes.append(each.text[2:])
            else:
                others.append(each.expression)
        self._suffixes = tuple(suffixes)
        self._expression = (
            re.compile("|".join(f"(?:{each})" for each in others)) if others else None
        )

    def match(self, path: str) -> bool:
        """Tell whether a pattern of the run matches exactly this path."""
        if path in self._exact or (self._suffixes and path.endswith(self._suffixes)):
            return True
        return self._expression is not None and self._expression.fullmatch(path) is not None

    def may_match_below(self, directory: list[str]) -> bool:
        """Tell whether a path below a directory may match."""
        return any(each.may_match_below(directory) for each in self.patterns)

    def which(self, path: str) -> str | None:
        """Return the last pattern that matches a path or a directory above it."""
        for each in reversed(self.patterns):
            expression = re.compile(each.expression)
            if any(expression.fullmatch(part) for part in _ancestry(path)):
                return ("!" if each.negated else "") + each.text
        return None


def _ancestry(path: str) -> Iterator[str]:
    """Yield a path and the directories above it, outermost first."""
    end = path.find("/", 1)
    while end > 0:
        yield path[:end]
        end = path.find("/", end + 1)
    yield path


class PatternMatcher:
    """Patterns of an ignore file, in order.

    A *state* tells which runs matched a directory or one above it; 0 is the root's.

    Args:
        patterns: Lines without comments; blank ones are skipped.

    Raises:
        PatternError: a pattern is malformed, or a lone ``!``.
    """

    def __init__(self, patterns: Iterable[str]) -> None:
        runs: list[list[IgnorePattern]] = []
        for raw in patterns:
            pattern = _parse(raw)
            if pattern is None:
                continue
            if not runs or runs[-1][-1].negated != pattern.negated:
                runs.append([])
            runs[-1].append(pattern)
        self._runs = tuple(_Run(run) for run in runs)
        self._bits = tuple((1 << index, run) for index, run in enumerate(self._runs))[::-1]
        self._index: PatternIndex | None = None
        if sum(map(len, runs)) > FEW_PATTERNS:
            from jettison.fs.pattern_index import PatternIndex

            self._index = PatternIndex(runs)
            return
        for run in self._runs:
            run.prepare()

    def __bool__(self) -> bool:
        return bool(self._runs)

    def matches(self, path: str) -> bool:
        """Tell whether the patterns select a path, relative and clean."""
        state = 0
        for part in _ancestry(path.rstrip("/") or path):
            state = self.step(part, state)
        return self.selects(state)

    def matches_file(self, path: str, parent: int) -> bool:
        """Tell whether the patterns select a path whose directory has a state."""
        if self._index is not None:
            return self.selects(parent | self._index.runs_of(path))
        for bit, run in self._bits:
            if parent & bit or run.match(path):
                return not run.negated
        return False

    def step(self, path: str, parent: int) -> int:
        """Return the state of a path whose directory has a state."""
        if self._index is not None:
            return parent | self._index.runs_of(path)
        state = parent
        for bit, run in self._bits:
            if not state & bit and run.match(path):
                state |= bit
        return state

    def selects(self, state: int) -> bool:
        """Tell whether a path with a state is selected."""
        return bool(state) and not self._runs[state.bit_length() - 1].negated

    def may_change_below(self, path: str, state: int) -> bool:
        """Tell whether something below a directory may be decided otherwise than itself.

        Args:
            path: The directory, relative and clean.
            state: Its state.
        """
        wanted = self.selects(state)
        components = path.split("/")
        if self._index is not None:
            return self._index.may_match_below(components, negated=wanted, first=state.bit_length())
        later = self._runs[state.bit_length() :]
        return any(run.negated == wanted and run.may_match_below(components) for run in later)

    def selects_all(self, path: str) -> bool:
        """Tell whether a path is selected, with all that may be below it."""
        state = 0
        for part in _ancestry(path):
            state = self.step(part, state)
        return self.selects(state) and not self.may_change_below(path, state)

    def reason(self, path: str) -> str | None:
        """Return the pattern that decides about a path, with its ``!``, or None."""
        state = 0
        for part in _ancestry(path):
            state = self.step(part, state)
        return self._runs[state.bit_length() - 1].which(path) if state else None


def _parse(raw: str) -> IgnorePattern | None:
    text = raw.strip()
    if not text:
        return None
    text = clean_path(text)
    negated = text.startswith("!")
    if text == "!":
        raise PatternError('illegal exclusion pattern: "!"')
    return IgnorePattern(text[1:] if negated else text, negated=negated)

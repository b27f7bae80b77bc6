"""Path patterns: Go's ``filepath.Match`` and the patterns of docker's ignore files.

In:  pattern text, slash-separated relative paths.
Out: whether they match.

A ``PatternMatcher`` has the last matching pattern decide, ``!`` patterns negate, and a pattern
that matches a directory matches all below it. Walks call ``step`` with the state of the parent
directory, so that each path costs one test per run of patterns with the same sign.

Source: Go ``path/filepath`` (Match, Clean); the ignore file rules are those of docker's
``patternmatcher``, as described in its documentation and pinned by its test table.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Sequence


class PatternError(ValueError):
    """A pattern cannot be read."""


def clean_path(path: str) -> str:
    """Return the shortest path that names the same, as Go's ``filepath.Clean``.

    >>> clean_path("a/./b//../c/"), clean_path("/../a"), clean_path("")
    ('a/c', '/a', '.')
    """
    rooted = path.startswith("/")
    parts: list[str] = []
    for part in path.split("/"):
        if part in {"", "."}:
            continue
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif part != ".." or not rooted:
            parts.append(part)
    return ("/" if rooted else "") + "/".join(parts) or "."


def has_wildcard(text: str) -> bool:
    """Tell whether a ``filepath.Match`` pattern is more than a name; escapes are no wildcards."""
    skip = False
    for char in text:
        if skip:
            skip = False
        elif char == "\\":
            skip = True
        elif char in "*?[":
            return True
    return False


@functools.lru_cache(maxsize=1024)
def name_pattern(pattern: str) -> re.Pattern[str] | None:
    """Return the expression that fully matches what ``filepath.Match`` matches; None if malformed.

    >>> bool(name_pattern("a[[]b?*").fullmatch("a[bcd")), name_pattern("a[")
    (True, None)
    """
    try:
        return re.compile("".join(_glob_parts(pattern)), re.DOTALL)
    except PatternError:
        return None


def _glob_parts(pattern: str) -> Iterator[str]:
    position = 0
    while position < len(pattern):
        char = pattern[position]
        position += 1
        if char == "*":
            yield "[^/]*"
        elif char == "?":
            yield "[^/]"
        elif char == "[":
            expression, position = _character_class(pattern, position)
            yield expression
        else:
            if char == "\\":
                if position == len(pattern):
                    raise PatternError("syntax error in pattern")
                char = pattern[position]
                position += 1
            yield re.escape(char)


def _character_class(pattern: str, position: int) -> tuple[str, int]:
    """Return the expression of a class and where the pattern goes on after its ``]``."""
    negated = pattern.startswith("^", position)
    position += negated
    ranges: list[str] = []
    first = True
    while first or not pattern.startswith("]", position):
        first = False
        low, position = _class_character(pattern, position)
        high = low
        if pattern.startswith("-", position):
            high, position = _class_character(pattern, position + 1)
        if low <= high:
            ranges.append(f"{re.escape(low)}-{re.escape(high)}")
    position += 1
    if not ranges:
        return ("." if negated else "(?!)"), position
    return f"[{'^' if negated else ''}{''.join(ranges)}]", position


def _class_character(pattern: str, position: int) -> tuple[str, int]:
    escaped = pattern.startswith("\\", position)
    position += escaped
    # A class that is not closed, or a bare `-` or `]` where a character must be, is an error.
    if position >= len(pattern) or (not escaped and pattern[position] in "-]"):
        raise PatternError("syntax error in pattern")
    return pattern[position], position + 1


class _Pattern:
    """One pattern of an ignore file, without its ``!``."""

    __slots__ = ("components", "expression", "negated", "text")

    def __init__(self, text: str, *, negated: bool) -> None:
        for _ in _glob_parts(text):
            pass  # what `filepath.Match` refuses is refused as in docker
        self.text = text
        self.negated = negated
        self.components = text.split("/")
        self.expression = "".join(_ignore_parts(text))

    def may_match_below(self, directory: list[str]) -> bool:
        """Tell whether a path below a directory may match, given its components."""
        for component, name in zip(self.components, directory, strict=False):
            if "**" in component:
                return True
            expression = name_pattern(component)
            if expression is None or expression.fullmatch(name) is None:
                return expression is None
        return len(self.components) > len(directory)


def _ignore_parts(pattern: str) -> Iterator[str]:
    position = 0
    while position < len(pattern):
        if not pattern.startswith("**", position):
            end = position + 1
            if pattern[position] == "[":
                _, end = _character_class(pattern, end)
            elif pattern[position] == "\\":
                end += 1
            yield from _glob_parts(pattern[position:end])
            position = end
            continue
        at_start = position == 0
        position += 2
        if pattern.startswith("/", position):
            position += 1
            # `x/**/` at the end was cleaned to `x/**`, so something follows.
            yield "(?:.*/)?"
        elif position == len(pattern) or (at_start and not _is_special(pattern[position:])):
            yield ".*"
        else:
            # Docker's quirk: `a**b` matches `ab` and `ax/b`, but not `axb`.
            yield "(?:.*/)?"


class _Run:
    """Successive patterns with one sign: it does not matter which of them matches."""

    __slots__ = ("_exact", "_expression", "_patterns", "_suffixes", "negated")

    def __init__(self, patterns: Sequence[_Pattern]) -> None:
        self.negated = patterns[0].negated
        self._patterns = patterns
        self._exact: set[str] = set()
        suffixes: list[str] = []
        others: list[str] = []
        for each in patterns:
            if not _is_special(each.text):
                self._exact.add(each.text)
            elif each.text.startswith("**/") and not _is_special(each.text[3:]):
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
        return any(each.may_match_below(directory) for each in self._patterns)

    def which(self, path: str) -> str | None:
        """Return the last pattern that matches a path or a directory above it."""
        for each in reversed(self._patterns):
            expression = re.compile(each.expression)
            if any(expression.fullmatch(part) for part in _ancestry(path)):
                return ("!" if each.negated else "") + each.text
        return None


def _is_special(text: str) -> bool:
    return any(char in "*?[]\\" for char in text)


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
        runs: list[list[_Pattern]] = []
        for raw in patterns:
            pattern = _parse(raw)
            if pattern is None:
                continue
            if not runs or runs[-1][-1].negated != pattern.negated:
                runs.append([])
            runs[-1].append(pattern)
        self._runs = tuple(_Run(run) for run in runs)
        self._bits = tuple((1 << index, run) for index, run in enumerate(self._runs))[::-1]

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
        for bit, run in self._bits:
            if parent & bit or run.match(path):
                return not run.negated
        return False

    def step(self, path: str, parent: int) -> int:
        """Return the state of a path whose directory has a state."""
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
        later = self._runs[state.bit_length() :]
        components = path.split("/")
        return any(run.negated == wanted and run.may_match_below(components) for run in later)

    def reason(self, path: str) -> str | None:
        """Return the pattern that decides about a path, with its ``!``, or None."""
        state = 0
        for part in _ancestry(path):
            state = self.step(part, state)
        return self._runs[state.bit_length() - 1].which(path) if state else None


def _parse(raw: str) -> _Pattern | None:
    text = raw.strip()
    if not text:
        return None
    text = clean_path(text)
    negated = text.startswith("!")
    if text == "!":
        raise PatternError('illegal exclusion pattern: "!"')
    return _Pattern(text[1:] if negated else text, negated=negated)

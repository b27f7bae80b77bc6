"""Path patterns as expressions: Go's ``filepath.Match``, and single lines of ignore files.

In:  pattern text.
Out: regular expressions that fully match the same paths.

Source: Go ``path/filepath`` (Match, Clean); the lines of ignore files are those of docker's
``patternmatcher``, as described in its documentation and pinned by its test table.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator


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


class IgnorePattern:
    """One pattern of an ignore file, without its ``!``.

    Raises:
        PatternError: it is malformed: what ``filepath.Match`` refuses is refused, as in docker.
    """

    __slots__ = ("components", "is_special", "negated", "text")

    def __init__(self, text: str, *, negated: bool) -> None:
        if "[" in text or "\\" in text:
            for _ in _glob_parts(text):
                pass
        self.text = text
        self.negated = negated
        self.is_special = is_special(text)
        self.components = text.split("/")

    @property
    def expression(self) -> str:
        """The expression that fully matches the same paths."""
        return "".join(_ignore_parts(self.text)) if self.is_special else re.escape(self.text)

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
        elif position == len(pattern) or (at_start and not is_special(pattern[position:])):
            yield ".*"
        else:
            # Docker's quirk: `a**b` matches `ab` and `ax/b`, but not `axb`.
            yield "(?:.*/)?"


def is_special(text: str) -> bool:
    """Tell whether a pattern is more than a path."""
    return any(char in "*?[]\\" for char in text)

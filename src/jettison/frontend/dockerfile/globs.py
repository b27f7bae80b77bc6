"""Globs of parameter substitution: ``${v#p}``, ``${v%p}``, ``${v/p/r}``.

In:  a value and a pattern of ``*``, ``?`` and literal characters.
Out: the value with the match removed or replaced.

``*`` and ``?`` do not match a newline, there are no bracket classes, and only ``*``, ``?`` and a
backslash can be escaped. Whatever escapes the characters that end a part of the substitution,
``}`` and ``/``, is not part of the pattern.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from jettison.errors import ExpansionError


def remove_prefix(value: str, pattern: str, *, longest: bool) -> str:
    """Return the value without the prefix that matches."""
    match = _compile(pattern, pattern, longest=longest).match(value)
    return value if match is None else value[match.end() :]


def remove_suffix(value: str, pattern: str, *, longest: bool) -> str:
    """Return the value without the suffix that matches."""
    match = _compile(_reverse(pattern), pattern, longest=longest).match(value[::-1])
    return value if match is None else value[: len(value) - match.end()]


def replace(
    value: str, pattern: str, replacement: str, *, every: bool, grows: Callable[[int], None]
) -> str:
    """Return the value with the first match, or every match, replaced.

    Args:
        value: The text.
        pattern: What is replaced.
        replacement: By what.
        every: Whether all matches are.
        grows: Called with the length of each replacement; may raise to stop.
    """
    end = -1

    def replaced(match: re.Match[str]) -> str:
        """Replace a match, but not nothing right behind another one, as ``*`` would find it."""
        nonlocal end
        begun, end = end, match.end()
        if match.end() == begun:
            return ""
        grows(len(replacement))
        return replacement

    compiled = _compile(pattern, pattern, longest=True)
    return compiled.sub(replaced, value, count=0 if every else 1)


def _reverse(pattern: str) -> str:
    """Return the pattern for the reversed value; an escape stays before what it escapes."""
    pieces = re.findall(r"\\.|.", pattern, re.DOTALL)
    return "".join(reversed(pieces))


def _compile(pattern: str, written: str, *, longest: bool) -> re.Pattern[str]:
    """Return the regular expression of a pattern.

    Between two stars the first place that fits is as good as any later one, so every star but
    the last is atomic: matching never takes more than text times pattern.
    """
    segments = [""]
    chars = iter(pattern)
    for char in chars:
        if char == "*":
            segments.append("")
        elif char == "?":
            segments[-1] += "."
        elif char != "\\":
            segments[-1] += re.escape(char)
        else:
            segments[-1] += _escaped(next(chars, ""), written)
    head, *rest = segments
    if not rest:
        return re.compile(head)
    lazy = "".join(f"(?>.*?{segment})" for segment in (rest[:-1] if longest else rest))
    return re.compile(head + lazy + (f".*{rest[-1]}" if longest else ""))


def _escaped(char: str, written: str) -> str:
    if not char or char not in "*?\\}/":
        raise ExpansionError(
            f"invalid pattern ({written}) in substitution: invalid escape '\\{char}'"
        )
    return re.escape(char)

"""The matcher's shortcuts change no answer."""

from __future__ import annotations

import re
from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from jettison.fs import pattern as pattern_module
from jettison.fs.glob import PatternError, clean_path
from jettison.fs.pattern import PatternMatcher

NAMES = st.sampled_from(["a", "b", "ab", "a.b", "ba", "abba", "a.bab"])
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)
PARTS = st.sampled_from(
    ["a", "b", "ab", "*", "**", "a*", "*b", "?", "[ab]", "[^a]*", "a.b", "**b", "abba*", "*.bab"]
)
PATTERNS = st.tuples(
    st.sampled_from(["", "", "!"]), st.lists(PARTS, min_size=1, max_size=4).map("/".join)
).map("".join)


def expression(pattern: str) -> re.Pattern[str]:
    """Translate one pattern, the slow way: ``**`` first, everything else by its own rule."""
    text = ""
    rest = pattern
    if rest.startswith("**") and not re.search(r"[*?\[\]]", rest[2:]):
        tail = rest[2:]
        if tail.startswith("/"):
            return re.compile("(?:.*/)?" + re.escape(tail[1:]))
        return re.compile(".*" + re.escape(tail))
    while rest:
        if rest == "**":
            text, rest = text + ".*", ""
        elif rest.startswith("**/"):
            text, rest = text + "(?:.*/)?", rest[3:]
        elif rest.startswith("**"):
            text, rest = text + "(?:.*/)?", rest[2:]
        elif rest.startswith("*"):
            text, rest = text + "[^/]*", rest[1:]
        elif rest.startswith("?"):
            text, rest = text + "[^/]", rest[1:]
        elif rest.startswith("["):
            end = rest.index("]") + 1
            text, rest = text + rest[:end], rest[end:]
        else:
            text, rest = text + re.escape(rest[0]), rest[1:]
    return re.compile(text)


def decides(patterns: list[str], path: str) -> bool:
    """Return whether the last pattern that matches a path or a parent selects it."""
    parts = path.split("/")
    ancestry = ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]
    selected = False
    for pattern in patterns:
        negated = pattern.startswith("!")
        matcher = expression(clean_path(pattern.removeprefix("!")))
        if any(matcher.fullmatch(each) for each in ancestry):
            selected = not negated
    return selected


@settings(max_examples=133, deadline=None)
@given(st.lists(PATTERNS, max_size=5), PATHS)
def test_the_matcher_decides_as_the_rules_say(patterns: list[str], path: str) -> None:
    assert PatternMatcher(patterns).matches(path) == decides(patterns, path)


@settings(max_examples=133, deadline=None)
@given(st.lists(PATTERNS, max_size=5), PATHS, PATHS)
def test_a_pruned_directory_holds_nothing_that_is_wanted(
    patterns: list[str], directory: str, below: str
) -> None:
    matcher = PatternMatcher(patterns)
    state = 0
    parts = directory.split("/")
    for end in range(1, len(parts) + 1):
        state = matcher.step("/".join(parts[:end]), state)
    if not matcher.may_change_below(directory, state):
        assert matcher.matches(f"{directory}/{below}") == matcher.selects(state)


@settings(max_examples=66, deadline=None)
@given(st.text(alphabet="ab/*?[]\\^-!. ", max_size=12), PATHS)
def test_any_text_is_a_pattern_or_a_pattern_error(text: str, path: str) -> None:
    with suppress(PatternError):
        PatternMatcher([text]).matches(path)


@settings(max_examples=66, deadline=None)
@given(st.text(alphabet="ab/.", max_size=16))
def test_cleaning_twice_changes_nothing(path: str) -> None:
    assert clean_path(clean_path(path)) == clean_path(path)


def matcher_of(patterns: list[str], *, few: int) -> PatternMatcher:
    before = pattern_module.FEW_PATTERNS
    pattern_module.FEW_PATTERNS = few
    try:
        return PatternMatcher(patterns)
    finally:
        pattern_module.FEW_PATTERNS = before


@settings(max_examples=100, deadline=None)
@given(st.lists(PATTERNS, min_size=1, max_size=8), st.lists(PATHS, max_size=4))
def test_an_index_changes_no_answer(patterns: list[str], paths: list[str]) -> None:
    plain, indexed = matcher_of(patterns, few=100), matcher_of(patterns, few=0)
    for path in paths:
        parts = path.split("/")
        state = 0
        for end in range(1, len(parts) + 1):
            directory = "/".join(parts[:end])
            assert indexed.matches_file(directory, state) == plain.matches_file(directory, state)
            assert indexed.step(directory, state) == plain.step(directory, state)
            state = plain.step(directory, state)
            assert indexed.may_change_below(directory, state) == plain.may_change_below(
                directory, state
            )
        assert indexed.reason(path) == plain.reason(path)
        assert indexed.matches(path) == decides(patterns, path)

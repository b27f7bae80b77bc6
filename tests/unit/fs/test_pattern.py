"""Globs and ignore patterns."""

from __future__ import annotations

import pytest

from jettison.fs.glob import PatternError, clean_path, has_wildcard, name_pattern
from jettison.fs.pattern import PatternMatcher


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("", "."),
        ("/", "/"),
        ("//a//b/", "/a/b"),
        ("a/..", "."),
        ("a/../../b", "../b"),
        ("/../../b", "/b"),
        ("./a/./b/.", "a/b"),
    ],
)
def test_paths_are_cleaned_as_go_does(path: str, expected: str) -> None:
    assert clean_path(path) == expected


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("abc", "abc", True),
        ("*", "abc", True),
        ("*c", "abc", True),
        ("a*", "ab/c", False),
        ("a?c", "abc", True),
        ("a?c", "a/c", False),
        ("ab[c]", "abc", True),
        ("ab[b-d]", "abc", True),
        ("ab[e-g]", "abc", False),
        ("ab[^c]", "abc", False),
        ("ab[^e-g]", "abc", True),
        ("a\\*b", "a*b", True),
        ("a\\*b", "ab", False),
        ("a[^a]b", "a☺b", True),
        ("[\\]a]", "]", True),
        ("[\\-]", "-", True),
        ("[x\\-]", "z", False),
        ("[[]x", "[x", True),
        ("[z-a]", "m", False),
        ("*x", "xxx", True),
        ("a.b", "axb", False),
        ("a\nb", "a\nb", True),
    ],
)
def test_a_glob_matches_as_go_does(pattern: str, name: str, matches: bool) -> None:
    expression = name_pattern(pattern)
    assert expression is not None
    assert (expression.fullmatch(name) is not None) == matches


@pytest.mark.parametrize("pattern", ["[]a]", "[-]", "[x-]", "[-x]", "[", "[^", "[^bc", "a[", "\\"])
def test_a_malformed_glob_matches_nothing(pattern: str) -> None:
    assert name_pattern(pattern) is None


def test_an_escaped_wildcard_is_none() -> None:
    assert not has_wildcard("a\\*b\\[")
    assert has_wildcard("a\\\\*")


@pytest.mark.parametrize("pattern", ["!", "[a", "a\\", "![a", "**/[z", "[]"])
def test_a_malformed_ignore_pattern_is_an_error(pattern: str) -> None:
    with pytest.raises(PatternError):
        PatternMatcher(["ok", pattern])


@pytest.mark.parametrize(
    ("patterns", "path", "matches"),
    [
        (["a"], "a/b/c", True),
        (["a/"], "a", True),
        (["/a"], "a", False),
        (["a", "!a/b"], "a/b", False),
        (["a", "!a/b"], "a/c", True),
        (["!a/b", "a"], "a/b", True),
        (["**", "!**/*.c"], "x/y.c", False),
        (["a**b"], "axb", False),
        (["a**b"], "ax/b", True),
        (["a**b"], "a/x/b", True),
        (["a**b"], "ab", True),
        (["**/x[0-9]"], "d/x5", True),
        (["ab/x*", "q"], "ab/xy", True),
        (["a*/x"], "ab/x", True),
        (["x"], "ab/x", False),
        (["**.log"], "d/a.log", True),
        (["**a?"], "d/xab", False),
        (["..", "../b"], "b", False),
        (["", "  ", "b"], "b", True),
    ],
)
def test_the_last_pattern_that_matches_decides(
    patterns: list[str], path: str, matches: bool
) -> None:
    assert PatternMatcher(patterns).matches(path) == matches


def test_a_walk_step_by_step_decides_as_whole_paths_do() -> None:
    patterns = ["*", "!src", "src/**/*.o", "!src/keep/**", "src/keep/x", "!**/y.txt"]
    matcher = PatternMatcher(patterns)
    for path in ("a", "src/a.o", "src/d/a.o", "src/keep/a.o", "src/keep/x/z", "a/y.txt", "src/b"):
        state = 0
        parts = path.split("/")
        for end in range(1, len(parts)):
            state = matcher.step("/".join(parts[:end]), state)
        assert matcher.matches_file(path, state) == matcher.matches(path), path
        assert matcher.selects(matcher.step(path, state)) == matcher.matches(path), path


@pytest.mark.parametrize(
    ("patterns", "directory", "may"),
    [
        (["node_modules"], "node_modules", False),
        (["a", "!b/c"], "a", False),
        (["a", "!a/b/c"], "a", True),
        (["*", "!a/*/c"], "a", True),
        (["*", "!a/*/c"], "b", False),
        (["*", "!a*/c"], "ab", True),
        (["*", "!**/c"], "b", True),
        (["!a/b", "a"], "a", False),
        (["a", "!a/b", "a"], "a", False),
    ],
)
def test_a_directory_is_pruned_when_no_exception_can_be_below(
    patterns: list[str], directory: str, may: bool
) -> None:
    matcher = PatternMatcher(patterns)
    state = matcher.step(directory, 0)
    assert matcher.selects(state)
    assert matcher.may_change_below(directory, state) == may


def test_the_pattern_that_decided_can_be_told() -> None:
    matcher = PatternMatcher(["*.md", "docs", "!docs/keep", "docs/keep/secret"])
    assert matcher.reason("docs/a") == "docs"
    assert matcher.reason("docs/keep/secret/x") == "docs/keep/secret"
    assert matcher.reason("docs/keep/b") == "!docs/keep"
    assert matcher.reason("a.md") == "*.md"
    assert matcher.reason("other") is None

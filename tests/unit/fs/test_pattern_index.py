"""Long ignore files: what a path costs does not grow with the number of patterns."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable

import pytest

from jettison.fs.glob import IgnorePattern
from jettison.fs.pattern import FEW_PATTERNS, PatternMatcher
from jettison.fs.pattern_index import PatternIndex

KINDS: dict[str, Callable[[int], str]] = {
    "paths": lambda i: f"dir{i}/file{i}.txt",
    "names": lambda i: f"**/name{i}",
    "names below": lambda i: f"**/dir{i}/index.js",
    "files by glob": lambda i: f"src/*/file_{i}.o",
    "endings": lambda i: f"**/*.e{i}",
    "parts": lambda i: f"*x{i}y*",
    "both signs": lambda i: f"{'!' if i % 2 else ''}a{i}/b",
    "both signs by glob": lambda i: f"{'!' if i % 2 else ''}a{i}/*.c",
    "classes": lambda i: f"class{i}/[ab]*",
}
MANY = 5_000
PATHS = [
    *(
        "src/a/file_77.o",
        "dir77/file77.txt",
        "a77/b",
        "a78/x.c",
        "a78/b",
        "lib/deep/name77",
        "z/dir77/index.js",
    ),
    *("q.e77", "__x77y__", "class77/b1", "nothing/of/all/that", "a"),
]


def calls(function: Callable[[], object]) -> int:
    """Return how many functions a call runs, those of C included.

    Expressions count by their length: trying a long alternation is as much work as many short.
    """
    count = 0

    def profile(_frame: object, event: str, called: object) -> None:
        nonlocal count
        if event in {"call", "c_call"}:
            tried = getattr(called, "__self__", None)
            count += 1 + (len(tried.pattern) // 50 if isinstance(tried, re.Pattern) else 0)

    sys.setprofile(profile)
    try:
        function()
    finally:
        sys.setprofile(None)
    return count


def walk(matcher: PatternMatcher) -> list[bool]:
    found = []
    for path in PATHS:
        found.append(matcher.matches(path))
        directory, _, _ = path.rpartition("/")
        if directory and matcher.selects(state := matcher.step(directory, 0)):
            matcher.may_change_below(directory, state)
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_a_path_costs_the_same_with_five_thousand_patterns(kind: str):
    work = {}
    for number in (FEW_PATTERNS * 2, MANY):
        matcher = PatternMatcher(map(KINDS[kind], range(number)))
        found = walk(matcher)  # compiles what is needed
        work[number] = calls(lambda m=matcher: walk(m))
        assert any(found)
    assert work[MANY] <= work[FEW_PATTERNS * 2] * 1.5 + 50
    assert work[MANY] < 100 * len(PATHS)


def test_all_but_five_thousand_files_descends_only_where_they_are():
    matcher = PatternMatcher(["*", *(f"!a{i}/keep/x{i}.c" for i in range(MANY))])
    for directory, wanted in (
        ("a77", True),
        ("a77/keep", True),
        ("a77/other", False),
        ("b", False),
    ):
        state = matcher.step(directory, matcher.step(directory.split("/")[0], 0))
        assert matcher.may_change_below(directory, state) == wanted
        assert calls(lambda d=directory, s=state: matcher.may_change_below(d, s)) < 100
    assert not matcher.matches("a77/keep/x77.c")
    assert matcher.matches("a77/keep/x78.c")
    assert matcher.reason("a77/keep/x77.c") == "!a77/keep/x77.c"


def test_patterns_that_hold_no_three_characters_are_tried():
    patterns = ["!z", *(f"?{chr(97 + i % 26)}{chr(97 + i // 26)}*" for i in range(100)), "!?aa*"]
    matcher = PatternMatcher(patterns)
    assert [matcher.matches(path) for path in ("xba", "xaab", "x", "z")] == [
        True,
        False,
        False,
        False,
    ]


RUNS = [["a/*.c", "**/keep"], ["a/b.c", "x[12]y"], ["**"], ["d?r/f"]]


@pytest.mark.parametrize(
    ("path", "runs"),
    [
        ("a/b.c", {0, 1, 2}),
        ("a/x.c", {0, 2}),
        ("a/d/x.c", {2}),
        ("deep/down/keep", {0, 2}),
        ("keep", {0, 2}),
        ("keeper", {2}),
        ("x2y", {1, 2}),
        ("x3y", {2}),
        ("dir/f", {2, 3}),
        ("d/r/f", {2}),
    ],
)
def test_an_index_tells_all_runs_that_match(path, runs):
    index = PatternIndex([[IgnorePattern(each, negated=False) for each in run] for run in RUNS])
    found = index.runs_of(path)
    assert {number for number in range(len(RUNS)) if found >> number & 1} == runs


@pytest.mark.parametrize(
    ("directory", "first", "may"),
    [
        ("a", 0, True),
        ("a", 1, True),
        ("a", 2, False),
        ("a/b", 0, True),  # keep
        ("a/b", 1, False),
        ("dir", 2, True),
        ("dir/f", 2, False),
        ("z", 1, False),
    ],
)
def test_an_index_tells_what_may_match_below(directory, first, may):
    runs = [["a/*.c", "**/keep"], ["a/b.c"], ["d?r/f"]]
    index = PatternIndex([[IgnorePattern(each, negated=True) for each in run] for run in runs])
    assert index.may_match_below(directory.split("/"), negated=True, first=first) is may
    assert not index.may_match_below(directory.split("/"), negated=False, first=0)

"""Patterns of ``${v#p}``, ``${v%p}`` and ``${v/p/r}``."""

from __future__ import annotations

import time

import pytest

from jettison.errors import ExpansionError
from jettison.frontend.dockerfile.globs import remove_prefix, remove_suffix, replace


@pytest.mark.parametrize(
    ("value", "pattern", "shortest", "longest"),
    [
        ("a.tar.gz", "*.", "tar.gz", "gz"),
        ("a.tar.gz", "a", ".tar.gz", ".tar.gz"),
        ("a.tar.gz", "tar", "a.tar.gz", "a.tar.gz"),
        ("a.tar.gz", "?.", "tar.gz", "tar.gz"),
        ("a.tar.gz", "*", "a.tar.gz", ""),
        ("a\nb", "*b", "a\nb", "a\nb"),  # a star ends at a line
        (r"*?\x", r"\*\?\\", "x", "x"),
        ("[a]b", "[a]", "b", "b"),  # no class
        ("", "*", "", ""),
    ],
)
def test_a_prefix_is_removed(value, pattern, shortest, longest):
    assert remove_prefix(value, pattern, longest=False) == shortest
    assert remove_prefix(value, pattern, longest=True) == longest


@pytest.mark.parametrize(
    ("value", "pattern", "shortest", "longest"),
    [
        ("a.tar.gz", ".*", "a.tar", "a"),
        ("a.tar.gz", "gz", "a.tar.", "a.tar."),
        ("a.tar.gz", "tar", "a.tar.gz", "a.tar.gz"),
        (r"x*\}", r"\*\\\}", "x", "x"),
        ("abab", "a*", "ab", ""),
    ],
)
def test_a_suffix_is_removed(value, pattern, shortest, longest):
    assert remove_suffix(value, pattern, longest=False) == shortest
    assert remove_suffix(value, pattern, longest=True) == longest


@pytest.mark.parametrize(
    ("value", "pattern", "first", "every"),
    [
        ("a.b.c", ".", "a-b.c", "a-b-c"),
        ("a.b.c", "?.", "-b.c", "--c"),
        ("abc", "*", "-", "-"),
        ("abc", "x", "abc", "abc"),
        ("a/b", r"\/", "a-b", "a-b"),
        ("aXbXc", "X*X", "a-c", "a-c"),
    ],
)
def test_matches_are_replaced_by_text_as_it_is(value, pattern, first, every):
    sizes: list[int] = []
    assert replace(value, pattern, "-", every=False, grows=sizes.append) == first
    assert replace(value, pattern, "-", every=True, grows=sizes.append) == every
    assert set(sizes) <= {1}
    assert len(sizes) == (first + every).count("-") - (value * 2).count("-")
    assert replace("a", "a", r"\1\g<0>", every=True, grows=sizes.append) == r"\1\g<0>"


def test_growth_can_be_stopped():
    def too_much(size: int) -> None:
        raise ExpansionError(f"{size} is too much")

    with pytest.raises(ExpansionError, match="3 is too much"):
        replace("aaa", "a", "bbb", every=True, grows=too_much)


@pytest.mark.parametrize(("pattern", "escape"), [(r"\a", r"\a"), ("a\\", "\\"), (r"\[", r"\[")])
def test_only_what_has_a_meaning_can_be_escaped(pattern, escape):
    with pytest.raises(ExpansionError) as caught:
        remove_prefix("value", pattern, longest=True)
    assert caught.value.message == (
        f"invalid pattern ({pattern}) in substitution: invalid escape '{escape}'"
    )
    with pytest.raises(ExpansionError, match="invalid escape"):
        remove_suffix("value", pattern, longest=True)


def test_many_stars_take_no_exponential_time():
    began = time.monotonic()
    assert remove_prefix("a" * 5000, "*a" * 50 + "b", longest=False) == "a" * 5000
    assert remove_suffix("a" * 5000, "b" + "a*" * 50, longest=False) == "a" * 5000
    assert time.monotonic() - began < 2

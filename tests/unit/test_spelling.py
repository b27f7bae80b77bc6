"""What was probably meant: near misses, and nothing else."""

from __future__ import annotations

import pytest

from jettison.spelling import distance, near_misses


@pytest.mark.parametrize(
    ("left", "right", "edits"), [("", "ab", 2), ("same", "same", 0), ("form", "from", 2), ("kitten", "sitting", 3)]
)  # fmt: skip
def test_edits_are_counted(left: str, right: str, edits: int) -> None:
    assert distance(left, right) == distance(right, left) == edits


def test_a_slip_is_found_and_another_word_is_not() -> None:
    assert near_misses("form", ["from", "for", "farm", "run"]) == ["farm", "for", "from"]
    assert near_misses("memroy-swp", ["memory", "memory-swap"]) == ["memory-swap"]
    assert near_misses("tag", ["bag", "tags", "target"]) == ["tags"]
    assert near_misses("", ["a"]) == []

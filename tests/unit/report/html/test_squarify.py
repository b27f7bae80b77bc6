"""Squarified layout: areas, edges, shapes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jettison.report.html.squarify import Box, squarify

PAPER = Box(0, 0, 6, 4)


def test_the_example_of_the_paper_is_laid_out_as_in_the_paper() -> None:
    """Sizes 6 6 4 3 2 2 1 in 6 x 4: the first two stand in a column of width 3, and so on."""
    boxes = squarify([6, 6, 4, 3, 2, 2, 1], PAPER)
    assert [tuple(round(each, 2) for each in box) for box in boxes] == [
        (0, 0, 3, 2),
        (0, 2, 3, 2),
        (3, 0, 1.71, 2.33),
        (4.71, 0, 1.29, 2.33),
        (3, 2.33, 1.2, 1.67),
        (4.2, 2.33, 1.2, 1.67),
        (5.4, 2.33, 0.6, 1.67),
    ]


@given(
    st.lists(st.integers(0, 10**12), min_size=1, max_size=60),
    st.floats(1, 2000),
    st.floats(1, 2000),
)
def test_areas_are_in_proportion_and_stay_inside(
    sizes: list[int], width: float, height: float
) -> None:
    sizes.sort(reverse=True)
    boxes = squarify(sizes, Box(10, 20, width, height))
    total = sum(sizes)
    assert len(boxes) == len(sizes)
    for size, box in zip(sizes, boxes, strict=True):
        share = size / total if total else 0
        area = width * height * share
        assert box.width * box.height == pytest.approx(area, rel=1e-6, abs=1e-6)
        assert box.x >= 10 - 1e-6
        assert box.y >= 20 - 1e-6
        assert box.x + box.width <= 10 + width + 1e-6
        assert box.y + box.height <= 20 + height + 1e-6


@given(st.lists(st.integers(1, 1000), min_size=2, max_size=12))
def test_no_two_parts_overlap(sizes: list[int]) -> None:
    boxes = squarify(sorted(sizes, reverse=True), Box(0, 0, 640, 400))
    for at, one in enumerate(boxes):
        for other in boxes[at + 1 :]:
            across = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
            down = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
            assert across < 1e-6 or down < 1e-6


def test_equal_parts_of_a_wide_rectangle_are_no_strips() -> None:
    boxes = squarify([1] * 16, Box(0, 0, 400, 100))
    assert max(max(b.width / b.height, b.height / b.width) for b in boxes) == pytest.approx(1)


def test_nothing_takes_no_room() -> None:
    assert squarify([], PAPER) == []
    assert squarify([0, 0], PAPER) == [Box(0, 0, 0, 0)] * 2
    assert squarify([3], Box(1, 1, 0, 5)) == [Box(1, 1, 0, 0)]


def test_a_frame_never_turns_a_rectangle_inside_out() -> None:
    assert Box(0, 0, 10, 20).inset(2, 8) == Box(2, 8, 6, 10)
    assert Box(0, 0, 3, 4).inset(2, 8) == Box(2, 8, 0, 0)

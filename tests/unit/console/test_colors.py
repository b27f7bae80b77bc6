"""Colours of the live view as BuildKit reads them."""

from __future__ import annotations

import pytest

from jettison.console.colors import colors, log_lines, problems


def test_each_kind_has_a_color_that_can_be_chosen() -> None:
    assert colors({}) == {"done": "34", "canceled": "33", "failed": "31", "warning": "33"}
    text = "run=123,20,245:error=yellow:cancel=light-blue:warning=white"
    assert colors({"BUILDKIT_COLORS": text}) == {
        "done": "38;2;123;20;245",
        "failed": "33",
        "canceled": "94",
        "warning": "37",
    }
    assert problems({"BUILDKIT_COLORS": text}) == []


@pytest.mark.parametrize("text", ["run=pink", "run=256,0,0", "walk=red", "run", "=", "run=1,2"])
def test_what_is_malformed_is_told_and_changes_nothing(text: str) -> None:
    assert colors({"BUILDKIT_COLORS": text}) == colors({})
    assert len(problems({"BUILDKIT_COLORS": text})) == 1


@pytest.mark.parametrize(("text", "lines"), [("", 6), ("12", 12), ("0", 6), ("-1", 6), ("٣", 6)])
def test_lines_of_output_are_counted(text: str, lines: int) -> None:
    assert log_lines({"BUILDKIT_TTY_LOG_LINES": text}) == lines
    assert bool(problems({"BUILDKIT_TTY_LOG_LINES": text})) is (bool(text) and lines == 6)

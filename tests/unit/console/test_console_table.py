"""Columns: aligned, cut to a width, never steering a terminal."""

from __future__ import annotations

from jettison.console.cells import width
from jettison.console.table import lay_out


def test_columns_stand_below_each_other() -> None:
    text = lay_out([("A", "SIZE"), ("漢字", "1MB"), ("b", "12MB")], right=(1,), gap=2, most=0)
    assert text == "A     SIZE\n漢字   1MB\nb     12MB\n"


def test_the_widest_column_is_cut_where_there_is_no_room() -> None:
    text = lay_out([("name", "x" * 100)], most=40)
    assert [width(line) for line in text.splitlines()] == [40]
    assert text.endswith("…\n")


def test_what_steers_a_terminal_is_shown() -> None:
    assert "\x1b" not in lay_out([("\x1b[2J", "b")], most=0)

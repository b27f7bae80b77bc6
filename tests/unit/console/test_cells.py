"""Text is measured in cells of a terminal, and cut and filled by them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jettison.console.cells import clip, pad, width

PRINTABLE = st.text(st.characters(codec="utf-8").filter(str.isprintable))


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("", 0),
        ("abc", 3),
        ("é", 1),
        ("e\u0301", 1),
        ("漢字", 4),
        ("ﬀ", 1),
        ("\uff21", 2),
        ("한국", 4),
        ("\u1112\u1161\u11ab", 2),
        ("👍", 2),
        ("a\u200bb", 2),
        ("नि", 1 + 1),
        ("ไท\u0e35่", 2),
        ("soft\u00adhyphen", 11),
    ],
)
def test_a_text_takes_as_many_cells_as_on_a_terminal(text, cells):
    assert width(text) == cells


@given(PRINTABLE, st.integers(0, 30))
def test_what_is_cut_fits_and_says_so(text, cells):
    cut = clip(text, cells)
    assert width(cut) <= cells
    assert (cut == text) == (width(text) <= cells)
    if cut != text and cells:
        assert cut.endswith("…")
        assert text.startswith(cut[:-1])


@given(PRINTABLE, st.integers(0, 30))
def test_what_is_filled_takes_at_least_so_much(text, cells):
    assert width(pad(text, cells)) == max(width(text), cells)
    assert pad(text, cells).startswith(text)

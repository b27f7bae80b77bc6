"""Names on the page: every character is seen, and none goes on for ever."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from jettison.report.html.text import MOST, MOST_MARKS, shorten, visible


def test_what_cannot_be_seen_is_written_as_an_escape() -> None:
    assert visible("a\x00\x1b[31m\x7f\r\n\t") == r"a\x00\x1b[31m\x7f\x0d\x0a\x09"
    assert visible("photo\u202egnp.exe") == r"photo\u202egnp.exe"
    assert visible("\u2066a\u200b\ufeff\u00a0") == r"\u2066a\u200b\ufeff\xa0"
    assert visible("\U000e0001") == r"\U000e0001"


def test_bytes_that_are_no_text_are_written_as_bytes() -> None:
    assert visible(b"caf\xe9".decode("utf-8", "surrogateescape")) == r"caf\xe9"
    assert visible("\ud800") == r"\ud800"


def test_languages_are_left_alone() -> None:
    for text in ("naïve", "naïve", "日本語", "שלום", "Ελλάδα", "…"):
        assert visible(text) == text


def test_marks_do_not_pile_up() -> None:
    shown = visible("Z" + "\u0301" * 50)
    assert sum(unicodedata.category(char) == "Mn" for char in shown) == MOST_MARKS


@given(st.text(st.characters(), max_size=60))
def test_nothing_that_is_shown_is_invisible(text: str) -> None:
    shown = visible(text)
    assert shown.isprintable()
    shown.encode()


def test_long_names_keep_both_ends() -> None:
    name = "/" + "d" * 10**6 + "/server.js"
    shown = visible(name)
    assert len(shown) == MOST
    assert shown.startswith("/ddd")
    assert shown.endswith("/server.js")
    assert shorten("abc", 3) == "abc"
    assert shorten("abcd", 3) == "a…d"
    assert shorten("abcd", 1) == "…"

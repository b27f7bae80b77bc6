from __future__ import annotations

import pytest

from jettison.errors import UnsafeArchiveError
from jettison.layer.pax import format_pax, parse_pax, pax_integer, pax_time_ns


@pytest.mark.parametrize("length", [*range(85, 110), 985, 990, 995, 9990])
def test_the_length_of_a_record_counts_its_own_digits(length):
    records = {b"path": b"x" * length}
    data = format_pax(records)
    assert int(data.split(b" ")[0]) == len(data)
    assert parse_pax(data, 0) == list(records.items())


def test_records_are_sorted():
    assert list(dict(parse_pax(format_pax({b"uid": b"1", b"path": b"p"}), 0))) == [b"path", b"uid"]


def test_names_that_are_no_utf_8_are_announced():
    assert parse_pax(format_pax({b"path": b"\xe9"}), 0) == [
        (b"hdrcharset", b"BINARY"),
        (b"path", b"\xe9"),
    ]


@pytest.mark.parametrize(
    "data",
    [
        b"junk",
        b"99 path=a\n",
        b"3 a\n",
        b"9 path=a\n9 path=b",
        b"8 path=a\n",
        b"10 path=a\0\n",
        b"7 =abc\n",
        b"-9 path=a\n",
        b"9" * 30 + b" a=b\n",
        b"2 a=b\n",
    ],
)
def test_records_that_do_not_add_up_are_refused(data):
    with pytest.raises(UnsafeArchiveError, match="pax header at byte 7"):
        parse_pax(data, 7)


@pytest.mark.parametrize(
    ("text", "value"),
    [(b"1", 10**9), (b"1.5", 1_500_000_000), (b"-0.5", -500_000_000), (b"0.1234567891", 123456789)],
)
def test_times_are_nanoseconds(text, value):
    assert pax_time_ns(text, 0) == value


@pytest.mark.parametrize("text", [b"", b"1e9", b"nan", b"1.x", b"1" * 21])
def test_times_that_are_no_decimals_are_refused(text):
    with pytest.raises(UnsafeArchiveError):
        pax_time_ns(text, 0)


@pytest.mark.parametrize("text", [b"", b"-1", b"0x10", b"1" * 21])
def test_integers_that_are_no_decimals_are_refused(text):
    with pytest.raises(UnsafeArchiveError):
        pax_integer(text, "a number", 0)

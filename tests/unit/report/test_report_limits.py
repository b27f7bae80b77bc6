"""Limits as people write them: on the command line, in ``jettison.toml``, for dive."""

from __future__ import annotations

from typing import Any

import pytest

from jettison.errors import UsageError
from jettison.report.limits import Amount, Limits, amount, from_dive, from_flags, from_table


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("50MB", Amount(bytes=50_000_000)),
        ("50mb", Amount(bytes=50_000_000)),
        ("50M", Amount(bytes=50_000_000)),
        ("1.5 kB", Amount(bytes=1500)),
        ("2MiB", Amount(bytes=2 << 20)),
        ("1GiB", Amount(bytes=1 << 30)),
        ("12", Amount(bytes=12)),
        ("0", Amount(bytes=0)),
        ("5%", Amount(share=0.05)),
        ("150 %", Amount(share=1.5)),
    ],
)
def test_sizes_are_decimal_unless_they_say_otherwise(text: str, wanted: Amount) -> None:
    assert amount(text) == wanted


@pytest.mark.parametrize("text", ["", "x", "-1MB", "1XB", "%", "1e9", "nan", "5%%", "9" * 40])
def test_what_is_no_size_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="is no size"):
        amount(text)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("max-size", "5%", "--max-size: `5%` is no number of bytes"),
        ("max-size", "big", "--max-size: `big` is no size"),
        ("forbid", "shell", "--forbid: `shell` has a kind that is not known"),
        ("forbid", ",", "forbids nothing"),
        ("lowest-efficiency", "2", "no share between 0 and 1"),
        ("lowest-efficiency", "nan", "no share between 0 and 1"),
    ],
)
def test_a_wrong_value_is_named_with_its_flag(name: str, text: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        from_flags({name: text})
    assert words in caught.value.message
    assert caught.value.hint is not None
    assert caught.value.hint.startswith("write ")


def test_a_table_has_the_names_of_the_flags_and_those_of_dive() -> None:
    table = {
        "max-size": "50MB",
        "max-growth": "5%",
        "forbid": ["shells", "setuid"],
        "require-user": True,
        "baseline": "main.json",
        "highestWastedBytes": "1MB",
        "lowestEfficiency": 0.95,
    }
    limits = from_table(table, "jettison.toml")
    assert limits.limits["forbid"].kinds == ("shells", "setuid")
    assert limits.limits["require-user"].text == "true"
    assert limits.limits["max-wasted"].amount == Amount(bytes=1_000_000)
    assert limits.limits["lowest-efficiency"].amount == Amount(share=0.95)
    assert limits.baseline == "main.json"
    assert {each.source for each in limits.limits.values()} == {"jettison.toml"}


@pytest.mark.parametrize(
    ("table", "words", "hint"),
    [
        ({"max-sise": "1MB"}, "there is no gate `max-sise`", "write `max-size`"),
        ({"max-size": [1]}, None, None),
        ({"max-size": {}}, "`max-size`: `{}` is no size", "a size such as"),
        ({"require-user": "yes"}, "`require-user`: `yes` is neither", "true or false"),
        ({"highestWastedBytes": "x"}, "`highestWastedBytes`: `x` is no size", "a size"),
    ],
)
def test_mistakes_of_a_file_are_named(table: dict[str, Any], words: str | None, hint: str) -> None:
    if words is None:
        assert from_table(table, "f").limits["max-size"].amount.bytes == 1
        return
    with pytest.raises(UsageError) as caught:
        from_table(table, "jettison.toml")
    assert caught.value.message.startswith("jettison.toml: ")
    assert words in caught.value.message
    assert hint in str(caught.value.hint)


def test_the_file_of_dive_is_read() -> None:
    data = b"""rules:
  # as dive has them
  lowestEfficiency: 0.95
  highestWastedBytes: 20MB   # bytes
  highestUserWastedPercent: "0.20"
"""
    limits = from_dive(data, ".dive-ci").limits
    assert {name: each.amount for name, each in limits.items()} == {
        "lowest-efficiency": Amount(share=0.95),
        "max-wasted": Amount(bytes=20_000_000),
        "max-user-wasted": Amount(share=0.2),
    }
    assert from_dive(b"rules:\n  highestWastedBytes: disabled\n", "x").limits == {}
    with pytest.raises(UsageError, match=r"\.dive-ci:2: `lowestEficiency: 1` is no rule"):
        from_dive(b"rules:\n  lowestEficiency: 1\n", ".dive-ci")


def test_flags_win_and_none_takes_a_limit_away() -> None:
    file = from_table({"max-size": "1MB", "max-wasted": "1MB", "baseline": "a"}, "jettison.toml")
    both = from_flags({"max-size": "2MB", "max-wasted": "none", "forbid": ""}).over(file)
    assert {name: each.text for name, each in both.limits.items()} == {"max-size": "2MB"}
    assert both.baseline == "a"
    assert Limits().over(file).limits == file.limits
    assert from_table({"require-user": False}, "f").over(Limits()).limits == {}

"""Values of attributes, as Go writes them."""

from __future__ import annotations

import pytest

from jettison.errors import UsageError
from jettison.remote.attributes import positive, seconds


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("", 5), ("90", 90), ("1.5s", 1.5), ("10m", 600), ("1h30m", 5400), ("24h0m0s", 86400)],
)
def test_durations(text: str, wanted: float) -> None:
    assert seconds("--cache-to", {"timeout": text}, "timeout", 5) == wanted


@pytest.mark.parametrize("text", ["soon", "1d", "-1s", "h", "1m30", "1e9", "१s"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(UsageError, match="is no duration"):
        seconds("--cache-to", {"timeout": text}, "timeout", 5)


def test_numbers_are_at_least_one_and_bounded() -> None:
    assert positive("--cache-to", {}, "n", 3, 8) == 3
    assert positive("--cache-to", {"n": "5"}, "n", 3, 8) == 5
    assert positive("--cache-to", {"n": "500"}, "n", 3, 8) == 8
    for text in ("0", "-1", "x", "²", "9" * 20):
        with pytest.raises(UsageError, match="at least 1"):
            positive("--cache-to", {"n": text}, "n", 3, 8)

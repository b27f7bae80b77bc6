"""Numbers of bytes, as findings write them."""

from __future__ import annotations

import pytest

from jettison.findings.amount import amount


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (1_234_567, "1.23 MB"), (5_000_000_000, "5 GB")],
)
def test_bytes_are_written_in_the_unit_that_suits_them(count: int, said: str) -> None:
    assert amount(count) == said

"""Moments as ``logs --since`` names them."""

from __future__ import annotations

import time

import pytest

from jettison.cli.moments import moment_ns
from jettison.errors import UsageError

SECOND = 10**9


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("12", 12 * SECOND),
        ("12.5", 12 * SECOND + 500_000_000),
        ("1.000000001", SECOND + 1),
        ("1970-01-01T00:01:00Z", 60 * SECOND),
        ("1970-01-01T00:00:01.000000009Z", SECOND + 9),
        ("1970-01-01T01:00:00+01:00", 0),
    ],
)
def test_a_moment_is_exact(text: str, moment: int) -> None:
    assert moment_ns(text, "since") == moment


def test_a_duration_is_how_long_ago() -> None:
    before = time.time_ns()
    assert 0 <= moment_ns("1h30m", "since") - (before - 5400 * SECOND) < 20 * SECOND


@pytest.mark.parametrize("text", ["", "soon", "-1", "1x", "2026-99-99"])
def test_what_is_no_moment_is_an_error(text: str) -> None:
    with pytest.raises(UsageError, match="since"):
        moment_ns(text, "since")

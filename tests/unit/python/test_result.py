"""What ``jettison.run`` returns."""

from __future__ import annotations

import msgspec
import pytest

from jettison.python.result import RunResult


def test_a_result_is_a_value_that_shows_what_happened():
    result = RunResult(3, stdout=b"\xff", warnings=("slow",))
    assert (
        repr(result) == "RunResult(exit_code=3, stdout=b'\\xff', stderr=None, warnings=('slow',))"
    )
    assert result == RunResult(3, b"\xff", None, ("slow",))
    with pytest.raises(AttributeError):
        result.exit_code = 0  # type: ignore[misc]


def test_what_was_not_captured_is_none():
    assert msgspec.structs.asdict(RunResult(0)) == {
        "exit_code": 0,
        "stdout": None,
        "stderr": None,
        "warnings": (),
    }

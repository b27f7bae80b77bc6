"""Events say how long steps took before: what runs is expected to, what is cached has saved it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from scratch_rig import Scratch

pytestmark = pytest.mark.needs_root


def events(scratch: Scratch, text: str, *flags: str) -> list[dict[str, Any]]:
    done = scratch.build(text, "--progress=rawjson", *flags)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]


def test_times_of_the_last_run_are_in_the_events(scratch: Scratch) -> None:
    text = "FROM busybox\nRUN sleep 0.3\n"
    first = events(scratch, text)
    assert [each["expected_ns"] for each in first if each["event"] == "start"][-1] == 0
    again = events(scratch, text, "--no-cache")
    expected = [e["expected_ns"] for e in again if e["event"] == "start" and "sleep" in e["name"]]
    assert len(expected) == 1
    assert 0.3e9 < expected[0] < 30e9
    cached = events(scratch, text)
    ended = [each for each in cached if each["event"] == "end" and "sleep" in each["name"]]
    assert [each["outcome"] for each in ended] == ["cached"]
    assert 0.3e9 < ended[0]["duration_ns"] < 30e9
    # Another step above changes the definition, not the name.
    moved = events(scratch, "FROM busybox\nRUN sleep 0.3; true\n")
    assert [e["expected_ns"] for e in moved if e["event"] == "start"][-1] == 0


def test_timings_are_shown_in_the_end_of_builds_that_work_and_that_fail(scratch: Scratch) -> None:
    done = scratch.build(
        "FROM busybox\nRUN sleep 0.3\nRUN false\n", "--timings", "--progress=plain"
    )
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    begin = next(n for n, line in enumerate(lines) if line.startswith("timings: "))
    assert any("RUN sleep 0.3" in line for line in lines[begin:])
    assert any("FAILED" in line and "RUN false" in line for line in lines[begin:])
    assert any(line.startswith("ERROR: ") for line in lines[begin:])

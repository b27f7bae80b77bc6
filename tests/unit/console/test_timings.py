"""Where the time went, in the end; how long a step will still take, while it runs."""

from __future__ import annotations

import io
import re

import pytest

from jettison.console import live
from jettison.console.base import make_console
from jettison.console.live import LiveConsole, rough
from jettison.events import Event, Outcome, VertexEnded, VertexProgress, VertexStarted

SECOND = 10**9


def step(name: str, begin: int, end: int, outcome: Outcome = Outcome.DONE) -> list[Event]:
    ended = VertexEnded(end * SECOND, name, name, outcome)
    return [VertexStarted(begin * SECOND, name, name), ended]


def test_the_longest_steps_come_first_and_what_the_cache_saved_last() -> None:
    stream = io.StringIO()
    console = make_console("quiet", {}, stream, timings=True)
    events = [
        *step("COPY", 100, 101),
        *step("RUN make", 101, 109),
        *step("RUN test", 105, 110, Outcome.FAILED),
    ]
    for event in sorted(events, key=lambda each: each.time_ns):
        console(event)
    console(VertexEnded(110 * SECOND, "c", "RUN apt", Outcome.CACHED, duration_ns=42 * SECOND))
    console.close()
    console.close()
    assert stream.getvalue().splitlines() == [
        "timings: 10.0 s in all, 14.0 s in 3 steps (1.4 at a time)",
        "     8.0s   80%  RUN make",
        "     5.0s   50% FAILED  RUN test",
        "     1.0s   10%  COPY",
        "cached: 1 steps, which took 42.0 s when they ran",
    ]


def test_many_steps_are_summed_and_names_are_harmless() -> None:
    stream = io.StringIO()
    console = make_console("quiet", {}, stream, timings=True)
    for number in range(30):
        for event in step(f"RUN {number}\x1b[2J", 100, 101 + number):
            console(event)
    console.close()
    lines = stream.getvalue().splitlines()
    assert len(lines) == 22
    assert lines[-1].endswith("10 more steps")
    assert "\x1b" not in stream.getvalue()


def test_without_any_event_nothing_is_said() -> None:
    stream = io.StringIO()
    make_console("quiet", {}, stream, timings=True).close()
    assert stream.getvalue() == ""


class Clock:
    def __init__(self) -> None:
        self.now_ns = 100 * SECOND

    def time_ns(self) -> int:
        return self.now_ns

    def monotonic(self) -> float:
        return self.now_ns / SECOND


def drawn(monkeypatch: pytest.MonkeyPatch, columns: int, at: int, *events: Event) -> list[str]:
    """Return the lines of a live view at a time."""
    clock = Clock()
    monkeypatch.setattr(live, "time", clock)
    console = LiveConsole(io.StringIO(), {})
    for event in events:
        console(event)
    clock.now_ns = at * SECOND
    return [line.text for line in console._lines(columns, 20)]


STARTED = VertexStarted(100 * SECOND, "a", "RUN make", 60 * SECOND)


@pytest.mark.parametrize(
    ("at", "left"),
    [
        (102, ""),
        (110, "about 50 s left"),
        (148, "about 10 s left"),
        (155, "about 5 s left"),
        (161, ""),
        (900, ""),
    ],
)
def test_a_long_step_shows_how_long_it_will_still_take(
    monkeypatch: pytest.MonkeyPatch, at: int, left: str
) -> None:
    line = drawn(monkeypatch, 80, at, STARTED)[1]
    assert re.sub(" +", " ", line).strip() == f"=> RUN make {left} {at - 100}.0s".replace("  ", " ")
    assert len(line) < 80


def test_a_narrow_terminal_has_room_for_names_and_times_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    line = drawn(monkeypatch, 40, 110, STARTED)[1]
    assert "left" not in line
    assert "RUN make" in line
    assert len(line) < 40


def test_a_step_that_moved_bytes_shows_how_many(monkeypatch: pytest.MonkeyPatch) -> None:
    events = [
        VertexStarted(100 * SECOND, "a", "load build context"),
        VertexProgress(101 * SECOND, "a", "files", 12_500_000, 12_500_000),
        VertexEnded(102 * SECOND, "a", "load build context", Outcome.DONE),
    ]
    assert drawn(monkeypatch, 80, 103, *events)[1].split() == [
        "=>",
        "load",
        "build",
        "context",
        "12.5MB",
        "2.0s",
    ]


def test_a_step_whose_time_nobody_knows_shows_none(monkeypatch: pytest.MonkeyPatch) -> None:
    line = drawn(monkeypatch, 80, 150, VertexStarted(100 * SECOND, "a", "RUN make"))[1]
    assert "left" not in line


def test_times_are_said_roughly() -> None:
    assert [rough(n * SECOND) for n in (0, 7, 12, 44, 89, 600, 5401)] == [
        "0 s", "7 s", "10 s", "45 s", "90 s", "10 min", "2 h",
    ]  # fmt: skip

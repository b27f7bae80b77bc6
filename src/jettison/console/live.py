"""A live view of a build on a terminal: what runs with times and its last lines of output."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping
from typing import TextIO

from jettison.console.cells import clip, pad, width
from jettison.console.colors import log_lines
from jettison.console.findings import finding_lines
from jettison.console.lines import LineSplitter
from jettison.console.plain import size
from jettison.console.screen import Line, Screen
from jettison.events import (
    Event,
    Outcome,
    PlanReady,
    VertexEnded,
    VertexLog,
    VertexProgress,
    VertexStarted,
    VertexWaiting,
    Warned,
)
from jettison.linux.text import printable

_TIME = 9
_WIDE = 60
"""From so many columns on there is room for more than names and times."""
_SOON_NS = 4 * 10**9
"""What takes less needs no estimate."""
_MARKS = {Outcome.CACHED: "CACHED ", Outcome.FAILED: "ERROR ", Outcome.CANCELED: "CANCELED "}
_STYLES = {
    Outcome.DONE: "done",
    Outcome.CACHED: "done",
    Outcome.FAILED: "failed",
    Outcome.CANCELED: "canceled",
}


class _Step:
    """What is known of one vertex."""

    def __init__(self, name: str, lines: int) -> None:
        self.name = printable(name)
        self.start_ns = 0
        self.expected_ns = 0
        self.end_ns = 0
        self.outcome: Outcome | None = None
        self.waits_for = ""
        self.log: deque[str] = deque(maxlen=lines)
        self.splitter = LineSplitter()
        self.progress: dict[str, tuple[int, int]] = {}

    def moved(self) -> int:
        """Return how many bytes it has moved: read, sent, fetched, unpacked."""
        return sum(current for current, _ in self.progress.values())

    def estimate(self, now_ns: int) -> str:
        """Return how long it will still take, as last time; empty where that says nothing."""
        if self.outcome is not None or self.waits_for or now_ns - self.start_ns < _SOON_NS:
            return ""
        left_ns = self.start_ns + self.expected_ns - now_ns
        return f"about {rough(left_ns)} left" if left_ns > _SOON_NS // 2 else ""

    def unfinished(self) -> list[str]:
        """Return a line for each count that has not reached its total."""
        return [
            f"{item} {size(current)}{' / ' + size(total) if total else ''}"
            for item, (current, total) in self.progress.items()
            if not total or current < total
        ]


class LiveConsole:
    """Draws all steps that began, the running ones with their output, five times a second.

    In the end all of them are there. What a failed step has said is not: the error says it.
    """

    def __init__(self, stream: TextIO, environ: Mapping[str, str]) -> None:
        self._steps: dict[str, _Step] = {}
        self._total = 0
        self._skipped: tuple[str, ...] = ()
        self._warnings: list[str] = []
        self._findings: list[Warned] = []
        self._begin = time.monotonic()
        self._log_lines = log_lines(environ)
        self._closed = False
        self._lock = threading.Lock()
        self._screen = Screen(stream, self._lines, environ)

    def __call__(self, event: Event) -> None:
        """Take note of an event; the next drawing shows it."""
        with self._lock:
            match event:
                case PlanReady(vertices=vertices, skipped_stages=skipped):
                    self._total = len(vertices)
                    self._skipped = skipped
                case VertexStarted():
                    step = self._step(event.vertex, event.name)
                    step.start_ns, step.expected_ns = event.time_ns, event.expected_ns
                case VertexWaiting():
                    self._step(event.vertex, "").waits_for = printable(event.holder)
                case VertexEnded():
                    self._end(event)
                case VertexLog():
                    step = self._step(event.vertex, "")
                    step.log.extend(step.splitter.feed(event.data))
                case VertexProgress():
                    step = self._step(event.vertex, "")
                    step.progress[printable(event.item)] = (event.current, event.total)
                case Warned(rule=""):
                    self._warnings.append(printable(event.message))
                case Warned():
                    self._findings.append(event)
                case _:
                    pass

    def close(self) -> None:
        """Draw the end state once and leave it on the terminal."""
        self._closed = True
        self._screen.close()

    def _step(self, vertex: str, name: str) -> _Step:
        step = self._steps.get(vertex)
        if step is None:
            step = self._steps[vertex] = _Step(name, self._log_lines)
        return step

    def _end(self, event: VertexEnded) -> None:
        step = self._step(event.vertex, event.name)
        step.end_ns = event.time_ns
        step.outcome = event.outcome
        step.waits_for = ""
        if not step.start_ns:
            step.start_ns = event.time_ns

    def _lines(self, columns: int, rows: int) -> list[Line]:
        """Return what is seen; ``rows`` 0 is all."""
        with self._lock:
            steps = list(self._steps.values())
            # Where nothing began, nothing ended either: the error stands alone.
            lines = [] if self._closed and not steps else [Line(self._heading(steps), "bold")]
            if self._skipped:
                names = printable(", ".join(self._skipped))
                lines.append(Line(f" => skipped (not needed): {names}", "dim"))
            for step in _visible(steps, rows):
                lines += _step_lines(step, columns, ended=self._closed)
            lines += [Line(f" ! {warning}", "warning") for warning in self._warnings]
            if self._closed:
                found = finding_lines(self._findings)
                lines += [Line(f" {line}", "warning") for line in found]
        return lines

    def _heading(self, steps: list[_Step]) -> str:
        done = sum(1 for step in steps if step.outcome is not None)
        total = max(self._total, len(steps))
        elapsed = time.monotonic() - self._begin
        return f"[+] Building {elapsed:.1f}s ({done}/{total}){self._end_word(steps, done, total)}"

    def _end_word(self, steps: list[_Step], done: int, total: int) -> str:
        if not self._closed:
            return ""
        outcomes = {step.outcome for step in steps}
        if Outcome.FAILED in outcomes:
            return " FAILED"
        return " FINISHED" if done == total and Outcome.CANCELED not in outcomes else " canceled"


def rough(duration_ns: int) -> str:
    """Return a time as one says it: seconds of a minute, minutes of an hour.

    >>> rough(41_000_000_000), rough(95_000_000_000), rough(8_000_000_000_000)
    ('40 s', '2 min', '2 h')
    """
    seconds = max(0, duration_ns) / 1e9
    if seconds < 10:
        return f"{seconds:.0f} s"
    if seconds < 90:
        return f"{5 * round(seconds / 5)} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.0f} h"


def _visible(steps: list[_Step], rows: int) -> list[_Step]:
    """Return what fits: while running, the latest steps; in the end, all."""
    if not rows:
        return steps
    room = max(5, rows - 4)
    running = [step for step in steps if step.outcome is None]
    room -= sum(1 + len(step.log) + len(step.progress) for step in running)
    ended = [step for step in steps if step.outcome is not None]
    shown = {id(step) for step in ended[-room:]} if room > 0 else set()
    return [step for step in steps if step.outcome is None or id(step) in shown]


def _step_lines(step: _Step, columns: int, *, ended: bool) -> list[Line]:
    end_ns = step.end_ns or time.time_ns()
    seconds = f"{max(0, end_ns - step.start_ns) / 1e9:.1f}s" if step.start_ns else ""
    right = f"{seconds:>{_TIME}}"
    if columns >= _WIDE:
        moved = step.moved() if step.outcome is not None else 0
        fact = size(moved) if moved else step.estimate(end_ns)
        right = f"  {fact}{right}" if fact else right
    room = columns - width(right) - 1
    name = f" => {_MARKS.get(step.outcome, '') if step.outcome else ''}{step.name}"
    style = _STYLES.get(step.outcome, "") if step.outcome else ""
    title = Line(f"{pad(clip(name, room), room)}{right}", style)
    if step.outcome is not None or ended:
        return [title]
    detail = [f"waiting for {step.waits_for}"] if step.waits_for else []
    detail += step.unfinished()
    detail += [f"# {line}" for line in step.log]
    return [title, *(Line(clip(f" => => {text}", columns - 1), "dim") for text in detail)]

"""A live view of a build on a terminal: what runs with times and its last lines of output."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TextIO

from rich.console import Console as RichConsole
from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from jettison.console.findings import finding_lines
from jettison.console.lines import LineSplitter
from jettison.console.plain import size
from jettison.events import (
    Event,
    Outcome,
    PlanReady,
    VertexEnded,
    VertexLog,
    VertexProgress,
    VertexStarted,
    Warned,
)
from jettison.linux.text import printable

_LOG_LINES = 6
_STYLES = {
    Outcome.DONE: "blue",
    Outcome.CACHED: "blue",
    Outcome.FAILED: "red",
    Outcome.CANCELED: "yellow",
}


class _Step:
    """What is known of one vertex."""

    def __init__(self, name: str) -> None:
        self.name = printable(name)
        self.start_ns = 0
        self.end_ns = 0
        self.outcome: Outcome | None = None
        self.log: deque[str] = deque(maxlen=_LOG_LINES)
        self.splitter = LineSplitter()
        self.progress: dict[str, tuple[int, int]] = {}


class LiveConsole:
    """Draws all steps that began, the running ones with their output, five times a second."""

    def __init__(self, stream: TextIO) -> None:
        self._console = RichConsole(file=stream, highlight=False)
        self._steps: dict[str, _Step] = {}
        self._total = 0
        self._skipped: tuple[str, ...] = ()
        self._warnings: list[str] = []
        self._findings: list[Warned] = []
        self._begin = time.monotonic()
        self._closed = False
        self._lock = threading.Lock()
        self._live = Live(
            get_renderable=self._draw,
            console=self._console,
            refresh_per_second=5,
            vertical_overflow="crop",
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()

    def __call__(self, event: Event) -> None:
        """Take note of an event; the next drawing shows it."""
        with self._lock:
            match event:
                case PlanReady(vertices=vertices, skipped_stages=skipped):
                    self._total = len(vertices)
                    self._skipped = skipped
                case VertexStarted():
                    self._step(event.vertex, event.name).start_ns = event.time_ns
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
        if not self._closed:
            self._closed = True
            self._live.stop()
            if not self._console.is_terminal:
                self._console.line()  # on a terminal the cursor is on a line of its own already

    def _step(self, vertex: str, name: str) -> _Step:
        step = self._steps.get(vertex)
        if step is None:
            step = self._steps[vertex] = _Step(name)
        return step

    def _end(self, event: VertexEnded) -> None:
        step = self._step(event.vertex, event.name)
        step.end_ns = event.time_ns
        step.outcome = event.outcome
        if not step.start_ns:
            step.start_ns = event.time_ns

    def _draw(self) -> RenderableType:
        with self._lock:
            steps = list(self._steps.values())
            done = sum(1 for step in steps if step.outcome is not None)
            total = max(self._total, len(steps))
            elapsed = time.monotonic() - self._begin
            word = "FINISHED" if self._closed else f"({done}/{total})"
            lines: list[RenderableType] = [
                Text(f"[+] Building {elapsed:.1f}s {word}", style="bold")
            ]
            if self._skipped:
                names = printable(", ".join(self._skipped))
                lines.append(Text(f" => skipped (not needed): {names}", style="dim", no_wrap=True))
            lines += [line for step in self._visible(steps) for line in self._draw_step(step)]
            lines += [Text(f" ! {warning}", style="yellow") for warning in self._warnings]
            if self._closed:
                lines += [
                    Text(f" {line}", style="yellow") for line in finding_lines(self._findings)
                ]
        return Group(*lines)

    def _visible(self, steps: list[_Step]) -> list[_Step]:
        """Return what fits: while running, the latest steps; in the end, all."""
        if self._closed:
            return steps
        room = max(5, self._console.height - 4)
        running = [step for step in steps if step.outcome is None]
        room -= sum(1 + len(step.log) + len(step.progress) for step in running)
        ended = [step for step in steps if step.outcome is not None]
        shown = {id(step) for step in ended[-room:]} if room > 0 else set()
        return [step for step in steps if step.outcome is None or id(step) in shown]

    def _draw_step(self, step: _Step) -> list[Text]:
        width = max(20, self._console.width - 12)
        mark = "CACHED " if step.outcome is Outcome.CACHED else ""
        mark = "ERROR " if step.outcome is Outcome.FAILED else mark
        mark = "CANCELED " if step.outcome is Outcome.CANCELED else mark
        end_ns = step.end_ns or time.time_ns()
        seconds = f"{max(0, end_ns - step.start_ns) / 1e9:.1f}s" if step.start_ns else ""
        name = f" => {mark}{step.name}"
        if len(name) > width:
            name = name[: width - 1] + "…"
        style = _STYLES.get(step.outcome, "") if step.outcome else ""
        title = Text(f"{name:<{width}}{seconds:>9}", style=style, no_wrap=True)
        if step.outcome is not None and step.outcome is not Outcome.FAILED:
            return [title]
        detail = [
            f" => => {item} {size(current)}{' / ' + size(total) if total else ''}"
            for item, (current, total) in step.progress.items()
            if not total or current < total
        ]
        detail += [f" => => # {line}" for line in step.log]
        return [title, *(Text(line[: width + 8], style="dim", no_wrap=True) for line in detail)]

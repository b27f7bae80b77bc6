"""Events as plain lines in the shape that docker users know: ``#5 [builder 3/5] RUN make``."""

from __future__ import annotations

import threading
from typing import TextIO

from jettison.console.findings import finding_lines
from jettison.console.lines import LineSplitter
from jettison.console.terminal import write
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


class PlainConsole:
    """Writes a line per fact; steps are numbered in the order in which they are first seen."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._numbers: dict[str, int] = {}
        self._started: dict[str, int] = {}
        self._lines: dict[tuple[str, int], LineSplitter] = {}
        self._shown: dict[tuple[str, str], int] = {}
        self._findings: list[Warned] = []

    def __call__(self, event: Event) -> None:
        """Write what an event says."""
        with self._lock:
            self._take(event)
            self._stream.flush()

    def close(self) -> None:
        """Write what the checks found, once, and flush."""
        with self._lock:
            for line in finding_lines(self._findings):
                self._say(line)
            self._findings.clear()
            self._stream.flush()

    def _take(self, event: Event) -> None:
        match event:
            case PlanReady(skipped_stages=skipped):
                if skipped:
                    self._say(f"skipped (not needed): {', '.join(skipped)}")
            case VertexStarted():
                self._start(event)
            case VertexEnded():
                self._end(event)
            case VertexLog():
                self._log(event)
            case VertexProgress():
                self._progress(event)
            case VertexWaiting(holder=holder):
                if holder:
                    number = self._title(event.vertex, "")
                    self._say(f"#{number} waiting for {holder}")
            case Warned(rule=""):
                self._say(f"WARN: {event.message}")
            case Warned():
                self._findings.append(event)
            case _:
                pass

    def _start(self, event: VertexStarted) -> None:
        self._started[event.vertex] = event.time_ns
        self._title(event.vertex, event.name)

    def _end(self, event: VertexEnded) -> None:
        number = self._title(event.vertex, event.name)
        for stream in (1, 2):
            splitter = self._lines.pop((event.vertex, stream), None)
            if splitter is not None:
                self._write_log(event.vertex, event.time_ns, splitter.finish())
        match event.outcome:
            case Outcome.CACHED:
                self._say(f"#{number} CACHED")
            case Outcome.DONE:
                seconds = (event.time_ns - self._started.get(event.vertex, event.time_ns)) / 1e9
                self._say(f"#{number} DONE {seconds:.1f}s")
            case Outcome.FAILED:
                self._say(f"#{number} ERROR: {event.error}")
            case Outcome.CANCELED:
                self._say(f"#{number} CANCELED")
        self._say("")

    def _log(self, event: VertexLog) -> None:
        splitter = self._lines.setdefault((event.vertex, event.stream), LineSplitter())
        self._write_log(event.vertex, event.time_ns, splitter.feed(event.data))

    def _write_log(self, vertex: str, time_ns: int, lines: list[str]) -> None:
        number = self._title(vertex, "")
        seconds = (time_ns - self._started.get(vertex, time_ns)) / 1e9
        for line in lines:
            self._say(f"#{number} {seconds:.3f} {line}")

    def _progress(self, event: VertexProgress) -> None:
        # A line per quarter is enough on a pipe.
        quarter = 4 * event.current // event.total if event.total else 0
        key = (event.vertex, event.item)
        if self._shown.get(key, -1) >= quarter:
            return
        self._shown[key] = quarter
        number = self._title(event.vertex, "")
        total = f" / {size(event.total)}" if event.total else ""
        done = f" {size(event.current)}" if event.current or event.total else ""
        self._say(f"#{number} {event.item}{done}{total}")

    def _title(self, vertex: str, name: str) -> int:
        number = self._numbers.get(vertex)
        if number is None:
            number = self._numbers[vertex] = len(self._numbers) + 1
            if name:
                self._say(f"#{number} {name}")
        return number

    def _say(self, line: str) -> None:
        write(self._stream, printable(line) + "\n")


def size(count: int, digits: int = 4) -> str:
    """Return a number of bytes as docker writes it: ``12.5MB``.

    Args:
        count: It.
        digits: How many are shown; docker's lists of images have three.

    >>> size(0), size(999), size(12_500_000)
    ('0B', '999B', '12.5MB')
    """
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.{digits}g}{unit}" if unit != "B" else f"{int(value)}B"
        value /= 1000
    return f"{value:.{digits}g}TB"

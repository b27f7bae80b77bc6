"""Where the time of a build went: the steps that ran, the longest first.

In:  events.
Out: lines, after the build.
"""

from __future__ import annotations

import shutil
import threading
from typing import TextIO

from jettison.console.base import Console
from jettison.console.cells import clip
from jettison.console.terminal import write
from jettison.events import Event, Outcome, VertexEnded, VertexStarted
from jettison.linux.text import printable

_MOST = 20


class Timings:
    """Passes events on to a console and takes note of times.

    Args:
        console: Shows the events.
        stream: Where the lines go, in the end.
    """

    def __init__(self, console: Console, stream: TextIO) -> None:
        self._console = console
        self._stream = stream
        self._closed = False
        self._lock = threading.Lock()
        self._began: dict[str, int] = {}
        self._ran: list[tuple[int, str, Outcome]] = []
        self._saved_ns = 0
        self._cached = 0
        self._first_ns = self._last_ns = 0

    def __call__(self, event: Event) -> None:
        """Take note of an event, and pass it on."""
        with self._lock:
            self._first_ns = self._first_ns or event.time_ns
            self._last_ns = max(self._last_ns, event.time_ns)
            match event:
                case VertexStarted():
                    self._began[event.vertex] = event.time_ns
                case VertexEnded(outcome=Outcome.CACHED):
                    self._cached += 1
                    self._saved_ns += event.duration_ns
                case VertexEnded():
                    took_ns = event.time_ns - self._began.get(event.vertex, event.time_ns)
                    self._ran.append((took_ns, event.name, event.outcome))
                case _:
                    pass
        self._console(event)

    def close(self) -> None:
        """Close the console, and show the times once."""
        self._console.close()
        if not self._closed and self._first_ns:
            self._closed = True
            columns = shutil.get_terminal_size().columns if self._stream.isatty() else 0
            lines = [clip(line, columns) if columns else line for line in self._lines()]
            write(self._stream, "\n".join([*lines, ""]))
            self._stream.flush()

    def _lines(self) -> list[str]:
        with self._lock:
            total_ns = max(1, self._last_ns - self._first_ns)
            ran = sorted(self._ran, reverse=True, key=lambda each: each[0])
        steps_ns = sum(took for took, _, _ in ran)
        sums = f"{total_ns / 1e9:.1f} s in all, {steps_ns / 1e9:.1f} s in {len(ran)} steps"
        found = [f"timings: {sums} ({steps_ns / total_ns:.1f} at a time)"]
        for took, name, outcome in ran[:_MOST]:
            word = "" if outcome is Outcome.DONE else f" {outcome.name}"
            share = f"{100 * took / total_ns:.0f}%"
            found.append(f"{took / 1e9:8.1f}s {share:>5}{word}  {printable(name)}")
        if len(ran) > _MOST:
            rest_ns = sum(took for took, _, _ in ran[_MOST:])
            found.append(f"{rest_ns / 1e9:8.1f}s        {len(ran) - _MOST} more steps")
        if self._cached:
            seconds = self._saved_ns / 1e9
            saved = f", which took {seconds:.1f} s when they ran" if seconds else ""
            found.append(f"cached: {self._cached} steps{saved}")
        return found

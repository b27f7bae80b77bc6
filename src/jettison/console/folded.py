"""Plain lines for CI logs that can be folded: a group for the output of each step.

In:  events, of steps that run at the same time.
Out: the lines of one step after those of another; each step's output is a group of GitHub
     Actions, or a collapsed section of GitLab.

One step is shown while it runs, the one that began first; what others write waits until its end,
bounded by what of a step's output is shown at all (``--step-log-size``).

Security: lines of steps begin with ``#`` and hold no escape, so that no step writes a marker.

Source: GitHub, "Workflow commands", grouping log lines; GitLab, "Custom collapsible sections".
"""

from __future__ import annotations

from typing import Literal, TextIO

from jettison.console.plain import PlainConsole
from jettison.console.terminal import draw
from jettison.events import (
    Event,
    VertexEnded,
    VertexLog,
    VertexProgress,
    VertexStarted,
    VertexWaiting,
)

Service = Literal["github", "gitlab"]
_OF_STEPS = VertexStarted | VertexEnded | VertexLog | VertexProgress | VertexWaiting


class FoldedConsole(PlainConsole):
    """See the module.

    Args:
        stream: Where to.
        service: Whose marks fold lines.
    """

    def __init__(self, stream: TextIO, service: Service) -> None:
        super().__init__(stream)
        self._service = service
        self._shown_vertex = ""
        self._open = ""
        self._now_ns = 0
        self._waiting: dict[str, list[Event]] = {}

    def close(self) -> None:
        """Show what waits, and flush."""
        with self._lock:
            self._leave()
            for events in list(self._waiting.values()):
                self._show(events)
            self._waiting.clear()
        super().close()

    def _take(self, event: Event) -> None:
        self._now_ns = max(self._now_ns, event.time_ns)
        if not isinstance(event, _OF_STEPS):
            super()._take(event)
            return
        if not self._shown_vertex and event.vertex not in self._waiting:
            self._shown_vertex = event.vertex
        if event.vertex != self._shown_vertex:
            self._waiting.setdefault(event.vertex, []).append(event)
            return
        super()._take(event)
        if isinstance(event, VertexEnded):
            self._leave()
            self._go_on()

    def _go_on(self) -> None:
        """Show the steps that have ended meanwhile, and what the next one has written."""
        for vertex, events in list(self._waiting.items()):
            if isinstance(events[-1], VertexEnded):
                del self._waiting[vertex]
                self._show(events)
        if self._waiting:
            self._shown_vertex = vertex = next(iter(self._waiting))
            for event in self._waiting.pop(vertex):
                super()._take(event)

    def _show(self, events: list[Event]) -> None:
        for event in events:
            super()._take(event)
        self._leave()

    def _leave(self) -> None:
        self._shown_vertex = ""
        self._end_group()

    def _write_log(self, vertex: str, time_ns: int, lines: list[str]) -> None:
        if lines and self._open != vertex:
            self._begin_group(vertex)
        super()._write_log(vertex, time_ns, lines)

    def _end(self, event: VertexEnded) -> None:
        # The output is folded, and how it ended is seen.
        for stream in (1, 2):
            splitter = self._lines.pop((event.vertex, stream), None)
            if splitter is not None:
                self._write_log(event.vertex, event.time_ns, splitter.finish())
        self._end_group()
        super()._end(event)

    def _begin_group(self, vertex: str) -> None:
        number = self._title(vertex, "")
        self._end_group()
        self._open = vertex
        if self._service == "github":
            self._say(f"::group::#{number} output")
            return
        mark = f"section_start:{self._now_ns // 10**9}:step_{number}[collapsed=true]"
        draw(self._stream, f"\x1b[0K{mark}\r\x1b[0K#{number} output\n")

    def _end_group(self) -> None:
        if not self._open:
            return
        number = self._title(self._open, "")
        self._open = ""
        if self._service == "github":
            self._say("::endgroup::")
        else:
            draw(
                self._stream, f"\x1b[0Ksection_end:{self._now_ns // 10**9}:step_{number}\r\x1b[0K\n"
            )

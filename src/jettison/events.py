"""Progress of a build as frozen values; consoles, logs and JSON are renderings of them.

In:  facts from the solver, the image package and the exporters.
Out: calls of a ``Sink``, in the order in which things happened in one thread of control.

Times are ``time.time_ns()`` of the reporter, so that this module sees no clock.

Concurrency: sinks are called from several threads and must be safe for that.
"""

from __future__ import annotations

import enum
from collections.abc import Callable

import msgspec

from jettison.errors import Cause, Span


class Outcome(enum.Enum):
    """How a vertex ended."""

    DONE = "done"
    CACHED = "cached"
    FAILED = "failed"
    CANCELED = "canceled"


class Event(msgspec.Struct, frozen=True, tag_field="event"):
    """Base of all events; ``time_ns`` is nanoseconds since the epoch."""

    time_ns: int


class PlanReady(Event, frozen=True, tag="plan"):
    """What will be solved: (vertex digest, name) in plan order, and stages that nobody needs."""

    vertices: tuple[tuple[str, str], ...]
    skipped_stages: tuple[str, ...] = ()


class VertexStarted(Event, frozen=True, tag="start"):
    """A vertex began to run; ``vertex`` is its digest or another unique id, ``name`` for people.

    ``expected_ns`` is how long it took when it ran last, 0 where nobody knows.
    """

    vertex: str
    name: str
    expected_ns: int = 0


class VertexWaiting(Event, frozen=True, tag="wait"):
    """A vertex waits until ``holder`` has done what both need; an empty one ends the waiting."""

    vertex: str
    holder: str


class VertexEnded(Event, frozen=True, tag="end"):
    """A vertex ended; CACHED ones may end without a start.

    ``cause`` is what was recognised to be behind an error, if anything was. ``duration_ns`` is how
    long it took to make what it is, now or when that was cached; 0 is unknown.
    """

    vertex: str
    name: str
    outcome: Outcome
    error: str = ""
    cause: Cause | None = None
    duration_ns: int = 0


class BuildFailed(Event, frozen=True, tag="failed"):
    """A build failed: what its error says, for programs; people read the error itself."""

    code: str
    message: str
    hint: str = ""
    span: Span | None = None
    cause: Cause | None = None
    exit_status: int = 1


class VertexLog(Event, frozen=True, tag="log"):
    """Output of a running vertex; ``stream`` is 1 (stdout) or 2 (stderr)."""

    vertex: str
    stream: int
    data: bytes


class VertexProgress(Event, frozen=True, tag="progress"):
    """A count inside a vertex, such as the bytes of a layer; ``total`` 0 is unknown."""

    vertex: str
    item: str
    current: int
    total: int
    unit: str = "B"


class Warned(Event, frozen=True, tag="warning"):
    """Something the user should know; ``rule`` names a check, if one found it.

    Args:
        severity: ``error``, ``warning`` or ``note``.
        path: File of the image that it is about, if it is about one.
        hint: Where it is explained, or what ends it.
    """

    message: str
    rule: str = ""
    span: Span | None = None
    hint: str = ""
    severity: str = "warning"
    path: str = ""


class StepExplained(Event, frozen=True, tag="why"):
    """Why a step ran, known when the build has ended; see ``why.explanation``.

    Args:
        vertex: The step.
        cause: At the root: one of ``why.explanation.CAUSES``.
        text: That in a line.
        root: The vertex that the cause strikes first; empty if that is none.
        line: Of the Dockerfile, of what changed; 0 if it is not in there.
        duration_ns: How long the step took; 0 is unknown.
        files: Path and kind of change of files concerned; the first ones.
        file_count: How many there are.
        fix: What would keep it cached; empty without one.
    """

    vertex: str
    name: str
    cause: str
    text: str
    root: str = ""
    line: int = 0
    duration_ns: int = 0
    files: tuple[tuple[str, str], ...] = ()
    file_count: int = 0
    fix: str = ""


class StageSkipped(Event, frozen=True, tag="skipped"):
    """A stage that the target did not need, with what looks like tests: lines and texts."""

    name: str
    line: int
    tests: tuple[tuple[int, str], ...] = ()


Sink = Callable[[Event], None]


def discard(event: Event) -> None:
    """Take an event and do nothing: the sink of those who do not watch."""


Progress = Callable[[str, int, int], None]
"""Called with an item's name, its current count and its total (0: unknown), in bytes."""


def no_progress(item: str, current: int, total: int) -> None:
    """Take a progress and do nothing."""


class HeldEvents:
    """A sink that keeps events until it is known who shows them: appending is thread-safe."""

    def __init__(self) -> None:
        self._events: list[Event] = []

    def __call__(self, event: Event) -> None:
        """Keep an event."""
        self._events.append(event)

    def pass_on(self, sink: Sink) -> None:
        """Give all events to another sink, in their order."""
        for event in self._events:
            sink(event)

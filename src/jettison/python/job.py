"""What a process and its worker in a user namespace tell each other.

In:  requests; events, results and errors.
Out: structs; ``channel`` carries them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import msgspec

from jettison import errors, events
from jettison.api.request import BuildRequest, BuildResult
from jettison.container.request import RunRequest
from jettison.errors import JettisonError, Span
from jettison.settings import Settings

_OWN = frozenset({"message", "hint", "span", "source", "__notes__"})

Fact = str | int | float | bool | None


class Job(msgspec.Struct, frozen=True):
    """What a worker is to do.

    Args:
        settings: Of the session.
        build, run: One of the two.
        pull: Only pull the container's image.
        streams: Descriptors of a container's standard streams.
    """

    settings: Settings
    build: BuildRequest | None = None
    run: RunRequest | None = None
    pull: bool = False
    streams: tuple[int, int, int] = (0, 1, 2)


class Done(msgspec.Struct, frozen=True, tag_field="event", tag="done"):
    """The last message of a job: a build's result, a container's exit code."""

    result: BuildResult | None = None
    exit_code: int = 0


class Failed(msgspec.Struct, frozen=True, tag_field="event", tag="failed"):
    """The last message of what failed: an error of ``jettison.errors``.

    Args:
        kind: Name of its class.
        facts: Attributes that only its class has.
    """

    kind: str
    message: str
    hint: str | None = None
    span: Span | None = None
    source: tuple[str, str] | None = None
    notes: tuple[str, ...] = ()
    facts: Mapping[str, Fact] = {}

    @classmethod
    def of(cls, error: JettisonError) -> Self:
        """Return the message for an error."""
        facts = {
            name: value
            for name, value in vars(error).items()
            if name not in _OWN and isinstance(value, Fact)
        }
        return cls(
            kind=next(each.__name__ for each in type(error).__mro__ if _is_ours(each)),
            message=error.message,
            hint=error.hint,
            span=error.span,
            source=error.source,
            notes=tuple(getattr(error, "__notes__", ())),
            facts=facts,
        )

    def error(self) -> JettisonError:
        """Return the error."""
        kind = getattr(errors, self.kind)
        error: JettisonError = kind.__new__(kind, self.message)
        error.message, error.hint, error.span = self.message, self.hint, self.span
        error.source = self.source
        vars(error).update(self.facts)
        for note in self.notes:
            error.add_note(note)
        return error


def _is_ours(kind: type) -> bool:
    return getattr(errors, kind.__name__, None) is kind


Reply = (
    Done
    | Failed
    | events.PlanReady
    | events.VertexStarted
    | events.VertexEnded
    | events.VertexLog
    | events.VertexProgress
    | events.Warned
)

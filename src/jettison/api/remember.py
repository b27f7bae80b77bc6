"""Remembers builds, so that the next one of the same project can be compared with them.

In:  what was asked for, compiled and solved.
Out: a trace in the store; why steps ran, where that is wanted.

A build in which nothing ran leaves no trace, unless its image is new to the project; what makes
traces is not even loaded then.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from jettison.api.project import Built, project_of
from jettison.api.session import Session
from jettison.errors import JettisonError
from jettison.events import Sink

if TYPE_CHECKING:
    from jettison.why.explanation import Explanation


def remember_built(
    session: Session, built: Built, image: str, sink: Sink, *, explain: bool
) -> Explanation | None:
    """Keep the trace of a build, if it tells something new.

    Args:
        session: The store.
        built: What was built.
        image: Id of its image.
        sink: Gets why steps ran, if the request asks for that.
        explain: Whether it is to be found out why steps ran.

    Raises:
        StorageError: the store cannot be written.
    """
    known = session.cache.traces.knows(image, project_of(built.request))
    if known and not built.solution.executed and not explain:
        return None
    from jettison.api.why import remember, tell

    explanation = remember(session, built, image, explain=explain)
    if explanation is not None and built.request.explain:
        tell(explanation, sink)
    return explanation


def remember_failed(session: Session, built: Built) -> None:
    """Keep the trace of a build if it failed, and if that can be: the error is the build's own."""
    solution = built.solution
    if len(solution.results) < len(solution.plan.vertices) and (
        solution.executed or solution.failed
    ):
        from jettison.api.why import remember

        with suppress(JettisonError):
            remember(session, built)

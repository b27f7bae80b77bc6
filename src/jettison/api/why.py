"""``why``: keeps traces of builds, and explains builds by them.

In:  a session, what was compiled and solved, or the name of an image.
Out: ``Explanation``; events.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from jettison.api.project import Built, name_of, project_of
from jettison.api.session import Session
from jettison.api.trace import make_trace
from jettison.cache.trace import KeptTrace
from jettison.errors import StorageError, UsageError
from jettison.events import Sink, StageSkipped, StepExplained
from jettison.image.names import find_image
from jettison.why.trace import Trace, decode, encode

if TYPE_CHECKING:
    from jettison.why.explanation import Explanation

LAST = "last"
"""In place of an image: the last build that ran something."""
_MAX_WANTED_BYTES = 32 << 20
_LIST_BYTES = 500
"""Of the list of one directory, about."""


def remember(
    session: Session, built: Built, image: str = "", *, explain: bool = False
) -> Explanation | None:
    """Keep the trace of a build, if something ran or its image is new to the project.

    Args:
        session: The store.
        built: What was built.
        image: Id of its image; empty if there is none.
        explain: Whether it is to be explained.

    Returns:
        Why its steps ran, if that is wanted and the trace is not too large.

    Raises:
        StorageError: the store cannot be written.
    """
    trace = make_trace(
        built.compiled.asked,
        built.solution,
        session.blobs.content,
        session.store.key,
        tuple(map(_text, built.context.ignore_file().patterns)),
    )
    content = encode(trace)
    if content is None:
        return None
    project, name = project_of(built.request), name_of(built.request)
    kept = KeptTrace(project, name, image, time.time_ns(), content)
    tells = built.solution.executed or built.solution.failed
    if tells or not session.cache.traces.knows(image, project):
        kept = session.cache.traces.keep(kept)
        if session.cache.preimages.is_full:
            _make_room(session)
    return explained(session, kept) if explain else None


def explained(session: Session, kept: KeptTrace) -> Explanation | None:
    """Return why the steps of a build ran, None if another version made its trace."""
    from jettison.why.explain import Build, explain  # not every build is to be explained

    trace = decode(kept.content)
    if trace is None:
        return None
    earlier = []
    for each in session.cache.traces.before(kept):
        before = decode(each.content)
        if before is not None:
            earlier.append(Build(before, each.built_ns, each.image))
    build = Build(trace, kept.built_ns, kept.image)
    return explain(build, earlier, session.cache.preimages.find)


def why(session: Session, image: str) -> Explanation:
    """Return why the steps of the build of an image ran.

    Args:
        session: The store.
        image: Its name or id, or ``last``.

    Raises:
        UsageError: no such build is known.
        StorageError: the store cannot be read.
    """
    if image == LAST:
        kept = session.cache.traces.last()
        if kept is None:
            raise UsageError(
                "no build is known in this store",
                hint="build something; what ran before Jettison kept traces is not known",
            )
    else:
        kept = session.cache.traces.of_image(find_image(session.store, image).id)
        if kept is None:
            raise UsageError(
                f"no build of `{image}` is known in this store",
                hint="it was pulled or loaded, or several builds have passed since",
            )
    found = explained(session, kept)
    if found is None:
        raise StorageError(
            "the trace of this build was kept by another version of Jettison",
            hint="build again",
        )
    return found


def tell(explanation: Explanation, sink: Sink) -> None:
    """Tell an explanation as events."""
    now = time.time_ns()
    for step in explanation.steps:
        root = explanation.roots[step.root]
        sink(
            StepExplained(
                now,
                step.vertex,
                step.name,
                root.cause,
                root.text,
                root.step,
                root.line,
                step.duration_ns,
                tuple((each.path, each.change) for each in root.files),
                root.file_count,
                root.fix,
            )
        )
    for stage in explanation.skipped:
        tests = tuple((test.line, test.text) for test in stage.tests)
        sink(StageSkipped(now, stage.name, stage.line, tests))


def _make_room(session: Session) -> None:
    """Forget what digests are of that the last builds do not need; those of others are lost."""
    preimages = session.cache.preimages
    wanted: set[bytes] = set()
    left = _MAX_WANTED_BYTES
    sizes: dict[bytes, int] = {}

    def find(digest: bytes) -> bytes | None:
        content = preimages.find(digest)
        sizes[digest] = len(content or b"")
        return content

    for kept in session.cache.traces.all():
        trace = decode(kept.content)
        for digest in _digests(trace, find) if trace is not None else ():
            if digest not in wanted:
                left -= sizes.get(digest, _LIST_BYTES)
                wanted.add(digest)
        if left < 0:
            break
    preimages.keep_only(wanted)


def _digests(trace: Trace, find: Callable[[bytes], bytes | None]) -> set[bytes]:
    from jettison.copier.manifest import held_by  # seldom

    found: set[bytes] = set()
    for step in trace.steps:
        for _, digest in step.components:
            found.update(held_by(digest, find))
    return found


def _text(pattern: str) -> str:
    return pattern.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")

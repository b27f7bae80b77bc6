"""Plans: all vertices that a build needs, in an order in which they can be solved.

In:  vertices and images from a frontend.
Out: ``Plan``, which the solver executes and reports read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from jettison.errors import InternalError, Span
from jettison.oci.config import ContainerConfig, History
from jettison.oci.digest import Digest
from jettison.oci.platform import Platform
from jettison.plan.vertex import Vertex


class HistoryStep(msgspec.Struct, frozen=True):
    """A history entry to be; ``vertex`` made its layer, None for metadata and base entries.

    Base entries come first and are complete (``entry.created`` is set); the others get the
    time of the build, or of ``SOURCE_DATE_EPOCH``, from the assembler.
    """

    entry: History
    vertex: Digest | None = None


class ImageTemplate(msgspec.Struct, frozen=True):
    """What the final image is, but for its layers' digests and its times."""

    platform: Platform
    config: ContainerConfig
    history: tuple[HistoryStep, ...]
    author: str = ""


class StageStep(msgspec.Struct, frozen=True):
    """A vertex as an instruction of a stage.

    A vertex that several stages have in common knows the place and name of the first one only.

    Args:
        vertex: It.
        name: For people, as this stage counts.
        span: Of the instruction.
        source: Index of the stage that a ``COPY --from`` reads; -1 for anything else.
    """

    vertex: Digest
    name: str
    span: Span | None = None
    source: int = -1


class StageSummary(msgspec.Struct, frozen=True):
    """A stage for reports: its last vertex, its base, and what it is called.

    ``result`` is None for a stage that is empty (scratch) or that the target does not need;
    ``needed`` tells these apart. ``used_by`` are (index of the using stage, how) pairs, where
    how is ``FROM``, ``COPY --from`` or ``RUN --mount``. ``parent`` is the stage that FROM names, -1
    if it names none. ``steps`` are its own, in order, an image that FROM names included.
    """

    index: int
    name: str
    base_name: str
    result: Digest | None
    needed: bool
    used_by: tuple[tuple[int, str], ...] = ()
    span: Span | None = None
    parent: int = -1
    steps: tuple[StageStep, ...] = ()


class Plan(msgspec.Struct, frozen=True):
    """Vertices in topological order (what a vertex needs comes before it), and the target.

    ``target`` is None when the final stage is empty; ``target_stage`` is the final stage's index.
    ``stages`` are in file order.
    ``source_date_epoch`` clamps times when set. ``unused_build_args`` were given and never
    consumed. ``proxy_env`` are ``NAME=value`` entries that every RUN gets besides its own
    environment, which wins; they are no part of any key. ``other_targets`` are those of the plans
    that this one was united with.
    """

    vertices: tuple[Vertex, ...]
    target: Digest | None
    image: ImageTemplate
    stages: tuple[StageSummary, ...] = ()
    source_date_epoch: int | None = None
    unused_build_args: tuple[str, ...] = ()
    proxy_env: tuple[str, ...] = ()
    target_stage: int = 0
    other_targets: tuple[Digest, ...] = ()

    @property
    def targets(self) -> tuple[Digest, ...]:
        """All targets that are not empty."""
        own = () if self.target is None else (self.target,)
        return own + self.other_targets

    def shipped(self) -> set[Digest]:
        """Return the vertices whose layers the images consist of."""
        bases = {vertex.digest: vertex.base for vertex in self.vertices}
        found: set[Digest] = set()
        for target in self.targets:
            vertex: Digest | None = target
            while vertex is not None:
                found.add(vertex)
                vertex = bases[vertex]
        return found


def union(plans: Sequence[Plan]) -> Plan:
    """Return the plan of everything that several plans need, such as those for some platforms.

    What they have in common is one vertex: a stage that does not depend on the platform is built
    once. Image and stages are those of the first.
    """
    if len(plans) == 1:
        return plans[0]
    known: dict[Digest, Vertex] = {}
    for plan in plans:
        for vertex in plan.vertices:
            other = known.setdefault(vertex.digest, vertex)
            if vertex.ignore_cache and not other.ignore_cache:
                known[vertex.digest] = msgspec.structs.replace(other, ignore_cache=True)
    others = tuple(target for plan in plans[1:] for target in plan.targets)
    return msgspec.structs.replace(plans[0], vertices=tuple(known.values()), other_targets=others)


def order(roots: Iterable[Vertex], known: Mapping[Digest, Vertex]) -> Iterator[Vertex]:
    """Yield the roots and all that they need, each once, needs first.

    Args:
        roots: Vertices that are wanted.
        known: Every vertex by its digest.
    """
    done: set[Digest] = set()
    for root in roots:
        stack: list[tuple[Vertex, bool]] = [(root, False)]
        while stack:
            current, needs_done = stack.pop()
            if current.digest in done:
                continue
            if needs_done:
                done.add(current.digest)
                yield current
                continue
            stack.append((current, True))
            for need in reversed(current.needs):
                if need not in known:
                    raise InternalError(f"vertex `{current.name}` needs an unknown vertex")
                stack.append((known[need], False))

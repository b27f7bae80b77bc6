"""What each stage weighed and what of it is in the image, from layers and the plan's edges.

In:  a ``Solution``.
Out: ``StageReport`` values in file order.

A stage's bytes reach the image as layers that the image's stack shares with it, and as the
layers of those COPY instructions of the final stage that read it. Files that travel through a
third stage are counted there, not where they came from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from jettison.api.request import StageReport
from jettison.api.session import Session
from jettison.oci.digest import Digest
from jettison.plan.graph import StageSummary
from jettison.plan.op import CopyOp
from jettison.plan.vertex import Vertex
from jettison.solver.result import Result, Solution, StackResult
from jettison.store.layer import LayerId, Stack


def stage_reports(session: Session, solution: Solution) -> tuple[StageReport, ...]:
    """Return a report for each stage."""
    plan = solution.plan
    vertices = {vertex.digest: vertex for vertex in plan.vertices}
    shipped = solution.stack(plan.target)
    chain = list(_chain(plan.target, vertices))
    sizes = session.store.layers.sizes(
        layer for each in solution.results.values() for layer in _stack(each)
    )
    reports = []
    for stage in plan.stages:
        stack = solution.stack(stage.result)
        copied = _copied_from(stage.result, chain, solution)
        base = _base_stack(stage, vertices, solution)
        reports.append(
            StageReport(
                index=stage.index,
                name=stage.name or str(stage.index),
                base=stage.base_name,
                needed=stage.needed,
                final=stage.needed and stage.index == plan.target_stage,
                size_bytes=_bytes(sizes, stack),
                own_bytes=_bytes(sizes, stack[len(base) :]),
                shipped_bytes=_bytes(sizes, (*_common(stack, shipped), *copied)),
            )
        )
    return tuple(reports)


def _chain(target: Digest | None, vertices: dict[Digest, Vertex]) -> Iterable[Vertex]:
    """Yield the target and what it is based on, down to the image or scratch."""
    while target is not None:
        vertex = vertices[target]
        yield vertex
        target = vertex.base


def _copied_from(
    source: Digest | None, chain: list[Vertex], solution: Solution
) -> tuple[LayerId, ...]:
    layers = []
    for vertex in chain:
        result = solution.results[vertex.digest]
        reads = isinstance(vertex.op, CopyOp) and source is not None and source in vertex.inputs
        if reads and isinstance(result, StackResult) and result.layer is not None:
            layers.append(result.layer)
    return tuple(layers)


def _base_stack(stage: StageSummary, vertices: dict[Digest, Vertex], solution: Solution) -> Stack:
    """Return the root file system that a stage began with."""
    for vertex in _chain(stage.result, vertices):
        if vertex.stage != stage.index or vertex.base is None:
            is_own = vertex.stage == stage.index and not _is_image(vertex, solution)
            return () if is_own else solution.stack(vertex.digest)
    return ()


def _is_image(vertex: Vertex, solution: Solution) -> bool:
    result = solution.results[vertex.digest]
    return isinstance(result, StackResult) and result.layer is None


def _common(stack: Stack, shipped: Stack) -> Stack:
    count = 0
    for ours, theirs in zip(stack, shipped, strict=False):
        if ours != theirs:
            break
        count += 1
    return stack[:count]


def _stack(result: Result) -> Stack:
    return result.stack if isinstance(result, StackResult) else ()


def _bytes(sizes: Mapping[LayerId, int], layers: Iterable[LayerId]) -> int:
    return sum(sizes.get(layer, 0) for layer in dict.fromkeys(layers))

"""``--counterfactual=build``: what a single stage ships, measured.

In:  a report, the plan of its build, how to solve another.
Out: the report with the size of what was really built.

The single stage is the one that most of the image comes from. On it run the steps of the other
stages that the image comes from, and those of the final stage, but for the copies between them.
Nothing of it is named or exported; its steps stay in the cache.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping

import msgspec

from jettison.api.session import Session
from jettison.errors import SolveError
from jettison.events import PlanReady, Sink, Warned
from jettison.oci.digest import Digest
from jettison.plan.graph import Plan
from jettison.plan.op import CopyOp, ImageOp
from jettison.plan.vertex import Vertex, vertex
from jettison.report.assembly.image import saving
from jettison.report.model import Report, Stage
from jettison.solver.result import Solution


def flattened(plan: Plan, primary: str, contributing: Mapping[int, str]) -> Plan:
    """Return the plan of the single stage.

    Args:
        plan: Of the build.
        primary: Name of the stage that is shipped.
        contributing: Index and name of the stages whose steps run on it.
    """
    known = {each.digest: each for each in plan.vertices}
    stage = next(each for each in plan.stages if primary in {each.name, str(each.index)})
    made: list[Vertex] = []
    current = known[stage.result] if stage.result is not None else None
    roots = {each.result for each in plan.stages}
    for index, name in contributing.items():
        for old in _own(plan, index, known):
            if isinstance(old.op, CopyOp) and roots & set(old.inputs):
                continue
            number = len(made) + 1
            title = old.name.rpartition("] ")[2]
            current = vertex(
                old.op,
                name=f"[single stage {number}, of {name}] {title}",
                base=current,
                inputs=tuple(known[each] for each in old.inputs),
                stage=old.stage,
                span=old.span,
            )
            known.setdefault(current.digest, current)
            made.append(current)
    target = current.digest if current is not None else None
    new = {each.digest: each for each in made if each.digest not in _digests(plan)}
    return msgspec.structs.replace(plan, vertices=(*plan.vertices, *new.values()), target=target)


def measure(
    session: Session,
    report: Report,
    plan: Plan,
    solve: Callable[[Plan], Solution],
    sink: Sink,
) -> Report:
    """Return a report that says what a single stage really ships; built here.

    Where it cannot be built, as of steps that need another base, what was computed stays, and a
    warning says why.

    Args:
        session: The store.
        report: Of the build.
        plan: Of the build.
        solve: Solves another one.
        sink: Gets events.
    """
    other = report.counterfactual
    if other is None:
        return report
    single = flattened(plan, other.primary, contributing(report))
    sink(PlanReady(time.time_ns(), tuple((v.digest, v.name) for v in single.vertices), ()))
    try:
        stack = solve(single).stack(single.target)
    except SolveError as error:
        text = f"a single stage could not be built, its size is computed: {error.message}"
        sink(Warned(time.time_ns(), text))
        return report
    size = sum(session.store.layers.sizes(stack).get(layer, 0) for layer in stack)
    found = msgspec.structs.replace(
        other, method="measured", bytes=size, saving=saving(report.image.shipped, size)
    )
    return msgspec.structs.replace(report, counterfactual=found)


def contributing(report: Report) -> dict[int, str]:
    """Return the stages that run on the one that is shipped, the final one last."""
    other = report.counterfactual
    stages = {each.index: each for each in report.stages}
    primary = next(each.index for each in report.stages if other and each.name == other.primary)
    final = next(each for each in report.stages if each.final)
    below = _chain(stages, primary) | _chain(stages, final.index)
    found = {
        each.index: each.name
        for each in report.stages
        if each.used and each.reached and each.index not in below
    }
    own = sorted(_chain(stages, final.index) - _chain(stages, primary))
    return {**found, **{index: stages[index].name for index in own}}


def _chain(stages: Mapping[int, Stage], index: int | None) -> set[int]:
    found: set[int] = set()
    while index is not None and index not in found:
        found.add(index)
        index = stages[index].base.stage
    return found


def _own(plan: Plan, index: int, known: Mapping[Digest, Vertex]) -> Iterator[Vertex]:
    for step in plan.stages[index].steps:
        each = known.get(step.vertex)
        if each is not None and not isinstance(each.op, ImageOp):
            yield each


def _digests(plan: Plan) -> set[Digest]:
    return {each.digest for each in plan.vertices}

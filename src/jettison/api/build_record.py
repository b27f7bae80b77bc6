"""The record of a build, made from its solved plan.

In:  what was compiled, a ``Solution``.
Out: ``provenance.record.BuildRecord``.
"""

from __future__ import annotations

from collections.abc import Collection

from jettison.api.compile import Compiled
from jettison.errors import Span
from jettison.oci.digest import Digest
from jettison.oci.redact import redacted
from jettison.plan.graph import StageSummary
from jettison.plan.op import CopyOp, ExecOp, GitOp, HttpOp, ImageOp, LocalOp, MkdirOp, Op
from jettison.plan.vertex import Vertex
from jettison.provenance.reads import reads_name
from jettison.provenance.record import (
    MAX_SOURCE_BYTES,
    BuildRecord,
    StageRecord,
    StageStep,
    StepKind,
    StepRecord,
)
from jettison.solver.result import Solution, StackResult


def build_record(
    compiled: Compiled, solution: Solution, reads: Collection[str] = ()
) -> BuildRecord:
    """Return the record of a solved plan.

    Args:
        compiled: The plan, and the Dockerfile that it was made from.
        solution: The plan, solved.
        reads: Names under which it is kept what RUNs read.
    """
    plan = solution.plan
    numbers = {vertex.digest: number for number, vertex in enumerate(plan.vertices)}
    stages = tuple(_stage(stage, numbers) for stage in plan.stages)
    # Readers know a base as its FROM names it, wherever it came from.
    bases = [each for each in plan.stages if each.parent < 0]
    written = {step.vertex: stage.base_name for stage in bases for step in stage.steps[:1]}
    text = compiled.asked.text
    return BuildRecord(
        steps=tuple(_step(vertex, solution, numbers, written, reads) for vertex in plan.vertices),
        stages=stages,
        target=plan.target_stage,
        dockerfile=compiled.asked.filename,
        source=redacted(text.decode(errors="replace")) if len(text) <= MAX_SOURCE_BYTES else "",
        platform=str(plan.image.platform),
    )


def _step(
    vertex: Vertex,
    solution: Solution,
    numbers: dict[Digest, int],
    written: dict[Digest, str],
    reads: Collection[str],
) -> StepRecord:
    kind, detail = _described(vertex.op)
    if kind is StepKind.IMAGE:
        detail = written.get(vertex.digest, detail)
    result = solution.results[vertex.digest]
    base = -1 if vertex.base is None else numbers[vertex.base]
    inputs = tuple([numbers[each] for each in vertex.inputs])
    if not isinstance(result, StackResult):
        return StepRecord(vertex.digest, kind, vertex.name, base, inputs, (), detail)
    return StepRecord(
        vertex.digest,
        kind,
        vertex.name,
        base,
        inputs,
        result.stack if result.layer is None else (result.layer,),
        detail,
        result.origins,
        result.created_ns,
        result.duration_ns,
        name if (name := reads_name(result.key)) in reads else "",
    )


def _described(op: Op) -> tuple[StepKind, str]:
    """Return what an op does, and with what from outside."""
    match op:  # the most frequent ones first
        case CopyOp():
            return StepKind.COPY, ""
        case ExecOp():
            return StepKind.RUN, ""
        case MkdirOp():
            return StepKind.WORKDIR, ""
        case ImageOp(reference=reference):
            return StepKind.IMAGE, reference
        case LocalOp(context=context):
            return StepKind.CONTEXT, context
        case HttpOp(url=url):
            return StepKind.URL, redacted(url)
        case GitOp(remote=remote, ref=ref):
            return StepKind.GIT, redacted(f"{remote}#{ref}" if ref else remote)


def _stage(stage: StageSummary, numbers: dict[Digest, int]) -> StageRecord:
    steps: list[StageStep] = []
    for step in stage.steps:
        number = numbers.get(step.vertex)
        if number is not None:
            line, end_line = _lines(step.span)
            steps.append(StageStep(number, line, end_line, step.name, step.source))
    return StageRecord(
        index=stage.index,
        name=stage.name,
        base_name=redacted(stage.base_name),
        line=_lines(stage.span)[0],
        needed=stage.needed,
        parent=stage.parent if stage.needed else -1,
        steps=tuple(steps) if stage.needed else (),
        used_by=stage.used_by,
    )


def _lines(span: Span | None) -> tuple[int, int]:
    """Return the first and the last line of a place, 0 of none."""
    return (0, 0) if span is None else (span.line, span.end_line or span.line)

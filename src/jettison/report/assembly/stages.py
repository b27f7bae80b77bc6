"""Stages of a report: sizes, steps, what crossed, what was left behind.

In:  a ``BuildRecord``, its ``Totals``, what is known of layers.
Out: values of ``report.model``.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from jettison.oci.redact import redacted
from jettison.provenance.record import BuildRecord, StageRecord, StageStep, StepKind
from jettison.provenance.totals import StageTotals, Totals
from jettison.report.model import BaseImage, Crossing, Stage, Step
from jettison.store.layer import LayerId

OUTSIDE = {StepKind.CONTEXT: "context", StepKind.URL: "url", StepKind.GIT: "git"}


class LayerSize(msgspec.Struct, frozen=True):
    """Bytes of regular files and number of entries of a layer."""

    bytes: int = 0
    files: int = 0


def stages(
    record: BuildRecord, totals: Totals, sizes: Mapping[LayerId, LayerSize]
) -> tuple[Stage, ...]:
    """Return the stages, in the order of the file; steps as if all had been found."""
    known = {each.stage: each for each in totals.stages}
    images = {each.stage: each.amount.bytes for each in totals.images if each.stage >= 0}
    return tuple(
        _stage(record, each, known.get(each.index), images.get(each.index, 0), sizes)
        for each in record.stages
    )


def step_ids(record: BuildRecord) -> dict[tuple[int, int], str]:
    """Return the ids of steps by (stage, number of the step in the record)."""
    return {
        (stage.index, each.step): f"{stage.label}/{number}"
        for stage in record.stages
        for number, each in enumerate(_own(record, stage), 1)
    }


def crossings(record: BuildRecord, totals: Totals) -> tuple[Crossing, ...]:
    """Return what lines copied from stages and images, the largest first."""
    labels = {stage.index: stage.label for stage in record.stages}
    return tuple(
        Crossing(
            source=labels.get(each.source) or redacted(each.outside),
            target=labels[each.target],
            src=each.source_path or "/",
            dst=each.target_path or "/",
            bytes=each.amount.bytes,
            files=each.amount.files,
            line=each.line,
        )
        for each in totals.crossings
        if each.source >= 0 or each.outside in _images(record)
    )


def _images(record: BuildRecord) -> set[str]:
    return {step.detail for step in record.steps if step.kind is StepKind.IMAGE}


def _own(record: BuildRecord, stage: StageRecord) -> list[StageStep]:
    """Return the steps of a stage that make layers; what FROM names is none."""
    return [each for each in stage.steps if record.steps[each.step].kind is not StepKind.IMAGE]


def _stage(
    record: BuildRecord,
    stage: StageRecord,
    totals: StageTotals | None,
    from_base: int,
    sizes: Mapping[LayerId, LayerSize],
) -> Stage:
    base = BaseImage(redacted(stage.base_name), stage.parent if stage.parent >= 0 else None)
    is_final = stage.index == record.target
    if totals is None:
        return Stage(stage.index, stage.label, base, used=stage.needed, final=is_final)
    steps = tuple(
        _step(record, each, f"{stage.label}/{number}", sizes)
        for number, each in enumerate(_own(record, stage), 1)
    )
    times = [step.seconds for step in steps]
    labels = {each.index: each.label for each in record.stages}
    return Stage(
        index=stage.index,
        name=stage.label,
        base=msgspec.structs.replace(base, bytes=totals.base.bytes, files=totals.base.files),
        used=True,
        final=is_final,
        bytes=totals.visible.bytes,
        files=totals.visible.files,
        added=totals.added.bytes,
        reached=totals.reached.bytes,
        left=totals.left.bytes,
        produced=totals.produced.bytes,
        reached_base=from_base,
        via=tuple(labels[each.stage] for each in totals.via if each.stage != record.target),
        seconds=None if None in times else round(sum(filter(None, times)), 3),
        steps=steps,
    )


def _step(
    record: BuildRecord, own: StageStep, name: str, sizes: Mapping[LayerId, LayerSize]
) -> Step:
    step = record.steps[own.step]
    size = sizes.get(step.layers[0], LayerSize()) if step.layers else LayerSize()
    return Step(
        id=name,
        line=own.line,
        instruction=redacted(own.instruction),
        cached=True,
        bytes=size.bytes,
        files=size.files,
        seconds=round(step.duration_ns / 1e9, 3) if step.duration_ns else None,
    )

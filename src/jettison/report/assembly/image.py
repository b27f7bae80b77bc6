"""The image of a report: its layers, what each of them shows, and what one stage would ship.

In:  a ``BuildRecord``, listings of layers, ``Totals``.
Out: values of ``report.model``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from jettison.fs.visible import Visible
from jettison.oci.redact import redacted
from jettison.provenance.amount import shown_by
from jettison.provenance.record import BuildRecord, StackLayer
from jettison.provenance.totals import Totals
from jettison.report.assembly.stages import LayerSize, step_ids
from jettison.report.model import Counterfactual, Image, Layer
from jettison.store.layer import LayerId


class ImageFacts(msgspec.Struct, frozen=True):
    """What the config of an image says, and its layers' digests, base first.

    Args:
        id: Digest of the config.
        platform: ``linux/amd64``.
        user: Who it runs as.
        diff_ids: Of its layers; as many as the stack of the build has.
    """

    id: str
    platform: str
    user: str
    diff_ids: tuple[str, ...]


def image_of(
    record: BuildRecord, facts: ImageFacts, layers: tuple[Layer, ...], totals: Totals
) -> Image:
    """Return the image as a whole; its reference and digests of a manifest come later."""
    shipped, visible = totals.shipped.bytes, totals.visible.bytes
    return Image(
        ref="",
        id=facts.id,
        digest="",
        platform=facts.platform or record.platform,
        user=facts.user,
        shipped=shipped,
        compressed=None,
        pull_new=None,
        visible=visible,
        files=totals.visible.files,
        wasted=shipped - visible,
        efficiency=round(visible / shipped, 6) if shipped else 1.0,
        layers=layers,
    )


def layers_of(
    record: BuildRecord,
    facts: ImageFacts,
    visible: Visible,
    sizes: Mapping[LayerId, LayerSize],
) -> tuple[Layer, ...]:
    """Return the layers of the image, base first."""
    shown = shown_by(visible)
    ids = step_ids(record)
    names = {stage.index: stage.label for stage in record.stages}
    stack = record.stack(record.target)
    return tuple(
        _layer(each, ids, names, shown[position].bytes, sizes, _at(facts.diff_ids, position))
        for position, each in enumerate(stack)
    )


def counterfactual(
    record: BuildRecord, totals: Totals, stack_bytes: Mapping[int, int]
) -> Counterfactual | None:
    """Return what a single stage would ship; None where one stage is all that there is.

    It is the stage that most of the image comes from, shipped whole, with what the other stages
    that the image comes from add, what the final one makes itself, and files of other images.

    Args:
        record: Of the build.
        totals: Its sums.
        stack_bytes: Stage to the bytes of all layers of its root file system.
    """
    others = [
        each
        for each in totals.stages
        if each.stage != record.target and each.reached.bytes and not _is_below(record, each.stage)
    ]
    if not others:
        return None
    primary = max(others, key=lambda each: (each.reached.bytes, -each.stage))
    chain = _chain(record, primary.stage)
    rest = [each for each in others if each.stage not in chain]
    final = next(each for each in totals.stages if each.stage == record.target)
    size = stack_bytes[primary.stage] + sum(each.added.bytes for each in rest)
    size += final.produced.bytes
    size += sum(each.amount.bytes for each in totals.images if each.stage < 0)
    names = {stage.index: stage.label for stage in record.stages}
    also = [f"`{names[each.stage]}`" for each in rest] + [f"`{names[record.target]}`"]
    return Counterfactual(
        method="computed",
        rule=f"ship `{names[primary.stage]}` with what {', '.join(also)} would add to it",
        primary=names[primary.stage],
        bytes=size,
        saving=saving(totals.shipped.bytes, size),
    )


def saving(shipped: int, other: int) -> float:
    """Return the share of another image that this one does not ship; below 0 if it is larger."""
    return round(1 - shipped / other, 6) if other else 0.0


def _is_below(record: BuildRecord, stage: int) -> bool:
    """Tell whether the final stage is FROM a stage: then that is shipped anyway."""
    return stage in _chain(record, record.target)


def _chain(record: BuildRecord, stage: int) -> set[int]:
    found: set[int] = set()
    while stage >= 0 and stage not in found:
        found.add(stage)
        stage = record.stages[stage].parent
    return found


def _layer(
    layer: StackLayer,
    ids: Mapping[tuple[int, int], str],
    names: Mapping[int, str],
    visible: int,
    sizes: Mapping[LayerId, LayerSize],
    diff_id: str,
) -> Layer:
    size = sizes.get(layer.layer, LayerSize())
    own = layer.instruction
    return Layer(
        diff_id=diff_id,
        step="" if layer.is_base else ids.get((layer.stage, own.step), ""),
        stage="" if layer.is_base else names[layer.stage],
        line=0 if layer.is_base else own.line,
        instruction=redacted(own.instruction or layer.step.name),
        base=layer.is_base,
        bytes=size.bytes,
        visible=visible,
        files=size.files,
        seconds=round(layer.step.duration_ns / 1e9, 3) if layer.step.duration_ns else None,
    )


def _at(diff_ids: Sequence[str], position: int) -> str:
    return diff_ids[position] if position < len(diff_ids) else ""

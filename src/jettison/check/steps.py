"""The steps of a build, each with its instruction and what its layer holds.

In:  a ``Subject``.
Out: ``BuiltStep`` values; files of layers.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator

import msgspec

from jettison.check.layer_facts import LayerFact
from jettison.check.subject import Subject
from jettison.errors import JettisonError, Span
from jettison.frontend.dockerfile.parser import parse
from jettison.frontend.dockerfile.syntax import Dockerfile, Instruction
from jettison.fs.listing import Listing
from jettison.provenance.amount import shown_by, total
from jettison.provenance.origin import CopyOrigins
from jettison.provenance.record import StageRecord, StageStep, StepKind, StepRecord


class BuiltStep(msgspec.Struct, frozen=True):
    """An instruction of a stage that made a layer, or would have.

    Args:
        stage: It.
        record: What the build's record has of it in this stage.
        step: What it was.
        position: Number of its layer in the stage's root file system; -1 without one.
        instruction: As it is written; None for a step of no line, or in a file that cannot be
            parsed here.
    """

    stage: StageRecord
    record: StageStep
    step: StepRecord
    position: int
    instruction: Instruction | None

    @property
    def span(self) -> Span:
        """Its place in the Dockerfile."""
        return Span(self.record.line, end_line=self.record.end_line)

    @property
    def seconds(self) -> float:
        """How long it took when it ran, 0 if that is not known."""
        return self.step.duration_ns / 1e9


def dockerfile_of(subject: Subject) -> Dockerfile | None:
    """Return the Dockerfile that an image was built from, None if it is not known."""
    if not subject.record.source:
        return None
    try:
        return parse(subject.record.source.encode(), filename=subject.record.dockerfile)
    except JettisonError:
        return None  # another frontend's language


def stage_steps(subject: Subject) -> dict[int, tuple[BuiltStep, ...]]:
    """Return the own steps of each stage that the image needed, by the stage's index."""
    dockerfile = subject.fact(dockerfile_of)
    lines = {}
    if dockerfile is not None:
        lines = {each.span.line: each for each in dockerfile.instructions}
    found: dict[int, tuple[BuiltStep, ...]] = {}
    for stage in subject.record.stages:
        if not stage.needed:
            continue
        position = len(subject.record.stack(stage.parent)) if stage.parent >= 0 else 0
        steps = []
        for each in stage.steps:
            step = subject.record.steps[each.step]
            here = position if step.layers else -1
            steps.append(BuiltStep(stage, each, step, here, lines.get(each.line)))
            position += len(step.layers)
        found[stage.index] = tuple(steps)
    return found


def instructions_of(subject: Subject, stage: int) -> tuple[Instruction, ...]:
    """Return the instructions of a stage below its FROM, in the order of the Dockerfile."""
    dockerfile = subject.fact(dockerfile_of)
    if dockerfile is None:
        return ()
    lines = sorted(each.line for each in subject.record.stages if each.line)
    first = subject.record.stages[stage].line
    last = next((line for line in lines if line > first), 1 << 31)
    return tuple(each for each in dockerfile.instructions if first < each.span.line < last)


def image_steps(subject: Subject) -> tuple[BuiltStep, ...]:
    """Return the steps whose layers the image has, those of stages below the final one included.

    Steps of base images are among them.
    """
    steps = subject.fact(stage_steps)
    found: list[BuiltStep] = []
    index = subject.record.target
    while index >= 0:
        found = [*steps.get(index, ()), *found]
        index = subject.record.stages[index].parent
    return tuple(found)


def copies(subject: Subject) -> Iterator[BuiltStep]:
    """Yield the COPY and ADD steps whose layers the image has."""
    for step in subject.fact(image_steps):
        if step.step.kind is StepKind.COPY and step.position >= 0:
            yield step


def listing_of(subject: Subject, step: BuiltStep) -> Listing | None:
    """Return the entries of a step's layer, None if it has none or they are not known."""
    if step.position < 0:
        return None
    return subject.provenance.files(step.stage.index).listing(step.position)


def origins_of(subject: Subject, step: BuiltStep) -> CopyOrigins | None:
    """Return where the files of a COPY came from, None if that is not known."""
    return subject.provenance.origins(step.step)


def layer_paths(listing: Listing) -> Iterator[str]:
    """Yield the path of each regular file of a layer; further names of one are left out."""
    for entry, (path, mode) in enumerate(zip(listing.paths, listing.modes, strict=True)):
        if stat.S_ISREG(mode) and entry not in listing.links:
            yield path


def marked_files(
    subject: Subject, step: BuiltStep, marked: LayerFact[list[int]]
) -> Iterator[tuple[str, int]]:
    """Yield path and size of those regular files of a step that are marked."""
    if step.position < 0:
        return
    entries = subject.of_layer(marked, step.stage.index, step.position)
    listing = listing_of(subject, step) if entries else None
    if entries is None or listing is None:
        return
    for entry in entries:
        if listing.is_file(entry) and entry not in listing.links:
            yield listing.paths[entry], listing.size(entry)


def folders_of(subject: Subject, step: BuiltStep) -> list[str] | None:
    """Return the directories of a step's layer that have regular files directly in them.

    None is returned if the step has no layer, or its entries are not known.
    """
    if step.position < 0:
        return None
    found = subject.of_layer(_FOLDERS, step.stage.index, step.position)
    return None if found is None else list(map(os.fsdecode, found))


def amounts_in(listing: Listing, folders: Collection[str]) -> dict[str, tuple[int, int]]:
    """Return bytes and number of the regular files that are directly in some directories."""
    found: dict[str, tuple[int, int]] = {}
    for entry, (path, mode) in enumerate(zip(listing.paths, listing.modes, strict=True)):
        folder = path[: path.rfind("/")]
        if folder in folders and stat.S_ISREG(mode) and entry not in listing.links:
            total, count = found.get(folder, (0, 0))
            found[folder] = total + listing.size(entry), count + 1
    return found


def _folders(listing: Listing) -> list[bytes]:
    return list({os.fsencode(path[: path.rfind("/")]): None for path in layer_paths(listing)})


_FOLDERS = LayerFact("folders 1", _folders, list[bytes])


def context_copies(subject: Subject) -> Iterator[BuiltStep]:
    """Yield the COPY and ADD steps of all stages whose files come from the build context."""
    for steps in subject.fact(stage_steps).values():
        for step in steps:
            if step.step.kind is StepKind.COPY and is_from_context(subject, step):
                yield step


def is_from_context(subject: Subject, step: BuiltStep) -> bool:
    """Tell whether all files of a COPY come from the build context."""
    inputs = [subject.record.steps[each] for each in step.step.inputs]
    return bool(inputs) and all(each.kind is StepKind.CONTEXT for each in inputs)


def new_bytes(subject: Subject) -> int:
    """Return the bytes of the files that the build put into the image."""
    files = subject.provenance.image
    shown = zip(files.layers, shown_by(files.visible), strict=True)
    return total(amount for layer, amount in shown if not layer.is_base).bytes


def image_bytes(subject: Subject) -> int:
    """Return the bytes of all files that the image shows."""
    return total(shown_by(subject.provenance.image.visible)).bytes

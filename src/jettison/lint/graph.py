"""The stage graph of a file under check: who reads whom, what a target needs.

In:  a ``LintFile``.
Out: ``Reading`` values; the stages that a target is made from.

As the frontend's ``stages``, for files that may be wrong: what cannot be understood is left out.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from jettison.errors import FrontendError, StageGraphError
from jettison.frontend.dockerfile.mounts import MountSpec, parse_mount
from jettison.frontend.dockerfile.syntax import Copy, Instruction, Run
from jettison.frontend.dockerfile.text import did_you_mean
from jettison.lint.file import LintFile, LintStage


class Reading(msgspec.Struct, frozen=True):
    """A ``from`` of a COPY or of a mount.

    Args:
        name: What it says.
        reader: The stage whose instruction it is.
        instruction: That.
        stage: The stage of that name, None for something outside of the file. Of several with
            one name it is the last, wherever it is.
    """

    name: str
    reader: LintStage
    instruction: Instruction
    stage: LintStage | None


def readings(file: LintFile, stage: LintStage) -> list[Reading]:
    """Return what the instructions of a stage copy and mount from, in order."""
    return file.fact(_all_readings)[stage.index]


def _all_readings(file: LintFile) -> list[list[Reading]]:
    names = _names(file)
    return [
        [
            Reading(name, stage, instruction, names.get(name.lower()))
            for name, instruction in _read_names(stage)
        ]
        for stage in file.stages
    ]


def find_target(file: LintFile) -> LintStage:
    """Return the target of the context, without one the last stage.

    Raises:
        StageGraphError: There is no such target, or no stage at all.
    """
    if not file.stages:
        raise StageGraphError("dockerfile contains no stages to build")
    wanted = file.context.target
    if not wanted:
        return file.stages[-1]
    for stage in reversed(file.stages):
        if stage.first.stage_name == wanted.lower():
            return stage
    for stage in file.stages:
        if wanted == str(stage.index):
            return stage
    names = [stage.first.stage_name for stage in file.stages if stage.first.stage_name]
    raise StageGraphError(
        f'target stage "{wanted}" could not be found{did_you_mean(wanted, names)}'
    )


def needed(file: LintFile, target: LintStage) -> list[LintStage]:
    """Return the stages that a target is made from, itself included, in file order."""
    found: dict[int, LintStage] = {}
    waiting = [target]
    while waiting:
        stage = waiting.pop()
        if stage.index in found:
            continue
        found[stage.index] = stage
        if stage.parent is not None:
            waiting.append(stage.parent)
        waiting += [each.stage for each in readings(file, stage) if each.stage is not None]
    return [found[index] for index in sorted(found)]


def targets_of_build(file: LintFile) -> tuple[LintStage, ...]:
    """Return the target of the context, or the last stage; nothing if there is none."""
    try:
        return (find_target(file),)
    except StageGraphError:
        return ()


def lineage(stage: LintStage) -> list[LintStage]:
    """Return a stage and the stages that it is built on, the lowest first."""
    found = [stage]
    while found[-1].parent is not None:
        found.append(found[-1].parent)
    return found[::-1]


def mounts(stage: LintStage) -> Iterator[tuple[MountSpec, Instruction]]:
    """Yield the mounts of a stage; one that is wrong is left for the build to tell."""
    for step in stage.steps:
        if isinstance(step.instruction, Run):
            for text in step.instruction.mounts:
                try:
                    yield parse_mount(text, step.expand), step.instruction
                except FrontendError:
                    continue


def _names(file: LintFile) -> dict[str, LintStage]:
    """Return stages by name and, where no stage is called so, by number."""
    names = {str(stage.index): stage for stage in file.stages}
    return names | {
        stage.first.stage_name: stage for stage in file.stages if stage.first.stage_name
    }


def _read_names(stage: LintStage) -> Iterator[tuple[str, Instruction]]:
    """Yield what a stage copies and mounts from."""
    for instruction in stage.runs:
        if isinstance(instruction, Copy) and instruction.from_name:
            yield instruction.from_name, instruction
    for spec, instruction in mounts(stage):
        if spec.from_name:
            yield spec.from_name, instruction

"""Outlines: which arguments a file takes, and which targets it has.

In:  a parsed ``Dockerfile`` and its ``LintContext``.
Out: ``Outline`` (arguments, secrets, SSH sockets of a target) and ``Target`` values.

Descriptions come from comments directly above ARG and FROM: ``# name description``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from jettison.errors import FrontendError, Span
from jettison.frontend.dockerfile.mounts import MountSpec
from jettison.frontend.dockerfile.syntax import Arg, Dockerfile
from jettison.frontend.dockerfile.words import expand
from jettison.lint.file import LintContext, LintFile, LintStage
from jettison.lint.graph import find_target, mounts, needed
from jettison.plan.op import MountType


class OutlineArg(msgspec.Struct, frozen=True):
    """An argument that a target uses; ``value`` is its default or what was given."""

    name: str
    value: str
    description: str
    span: Span


class OutlineMount(msgspec.Struct, frozen=True):
    """A secret or an SSH socket; it is required if any of the mounts of its name says so."""

    name: str
    required: bool
    span: Span


class Outline(msgspec.Struct, frozen=True):
    """Everything that can be given to the build of a target, each in file order."""

    name: str
    description: str
    args: tuple[OutlineArg, ...]
    secrets: tuple[OutlineMount, ...]
    ssh: tuple[OutlineMount, ...]


class Target(msgspec.Struct, frozen=True):
    """A stage that can be built; ``is_default`` for the last one. ``base`` is expanded."""

    name: str
    is_default: bool
    description: str
    base: str
    platform: str
    span: Span


def targets(dockerfile: Dockerfile, context: LintContext | None = None) -> tuple[Target, ...]:
    """Return all stages of a file."""
    file = LintFile(dockerfile, context or LintContext())
    last = len(file.stages) - 1
    return tuple(
        Target(
            name=stage.first.stage_name,
            is_default=stage.index == last,
            description=stage.first.description,
            base=stage.image or stage.first.image,
            platform=_platform(file, stage),
            span=stage.first.span,
        )
        for stage in file.stages
    )


def outline(dockerfile: Dockerfile, context: LintContext | None = None) -> Outline:
    """Return what the target of the context can be given.

    Raises:
        StageGraphError: There is no such target, or no stage at all.
    """
    file = LintFile(dockerfile, context or LintContext())
    target = find_target(file)
    stages = needed(file, target)
    mounted = [(spec, instruction.span) for stage in stages for spec, instruction in mounts(stage)]
    return Outline(
        name=target.first.stage_name,
        description=target.first.description,
        args=tuple(_args(file, stages)),
        secrets=_mounted(mounted, MountType.SECRET),
        ssh=_mounted(mounted, MountType.SSH),
    )


def needed_stages(dockerfile: Dockerfile, context: LintContext) -> frozenset[int]:
    """Return the indices of the stages that the target of the context is made from.

    Raises:
        StageGraphError: There is no such target, or no stage at all.
    """
    file = LintFile(dockerfile, context)
    return frozenset(stage.index for stage in needed(file, find_target(file)))


def _platform(file: LintFile, stage: LintStage) -> str:
    expanded = file.expand_global(stage.first.platform)
    return expanded.text if expanded is not None else stage.first.platform


def _mounted(mounts: Iterable[tuple[MountSpec, Span]], kind: MountType) -> tuple[OutlineMount, ...]:
    found: dict[str, OutlineMount] = {}
    for spec, span in mounts:
        if spec.type is not kind:
            continue
        default = "default" if kind is MountType.SSH else spec.target.rstrip("/").rpartition("/")[2]
        name = spec.id or spec.source or default
        seen = found.get(name)
        required = spec.required or (seen is not None and seen.required)
        found[name] = OutlineMount(name, required, seen.span if seen is not None else span)
    return tuple(found.values())


def _args(file: LintFile, needed: Iterable[LintStage]) -> Iterator[OutlineArg]:
    """Yield the arguments that stages declare or that their FROM lines use, each once."""
    seen: set[str] = set()
    stages = list(needed)
    used = _used_in_from(file, stages)
    for arg in file.globals:
        yield from _items(arg, file.global_values, seen, used)
    for stage in stages:
        for step in stage.steps:
            if isinstance(step.instruction, Arg):
                values = {
                    item.key: file.context.build_args.get(
                        item.key,
                        file.global_values.get(item.key, "")
                        if item.value is None
                        else step.expand(item.value),
                    )
                    for item in step.instruction.items
                }
                yield from _items(step.instruction, values, seen, None)


def _items(
    arg: Arg, values: dict[str, str], seen: set[str], only: set[str] | None
) -> Iterator[OutlineArg]:
    for item in arg.items:
        if item.key not in seen and (only is None or item.key in only):
            seen.add(item.key)
            yield OutlineArg(item.key, values.get(item.key, ""), item.description, arg.span)


def _used_in_from(file: LintFile, stages: Iterable[LintStage]) -> set[str]:
    """Return the global arguments that matter to stages, and those their defaults use."""
    names: set[str] = set()
    for stage in stages:
        for text in (stage.first.image, stage.first.platform):
            expanded = file.expand_global(text)
            if expanded is not None:
                names |= expanded.matched | expanded.unmatched
        declared = (each for each in stage.runs if isinstance(each, Arg))
        names |= {item.key for arg in declared for item in arg.items if item.value is None}
    for arg in reversed(file.globals):
        for item in reversed(arg.items):
            if item.key in names and item.value:
                try:
                    used = expand(item.value, {}, file.dockerfile.escape)
                except FrontendError:
                    continue
                names |= used.unmatched
    return names

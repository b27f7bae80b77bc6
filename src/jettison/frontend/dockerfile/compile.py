"""Compilation: a Dockerfile and its flags to a plan.

In:  ``CompileRequest``, the configs of base images that are known so far.
Out: ``Plan``, or ``NeedImages`` when configs are missing; call again with these, too.

Pure: the same arguments give the same plan. Only what the target needs is looked at for images,
and only that becomes vertices; names and cycles are checked in the whole file.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec

from jettison.errors import Span, StageGraphError
from jettison.frontend.base import (
    CompileRequest,
    ImageConfigs,
    ImageRequest,
    NeedImages,
)
from jettison.frontend.dockerfile import scope
from jettison.frontend.dockerfile.blocks import split
from jettison.frontend.dockerfile.epoch import EPOCH, parse_epoch
from jettison.frontend.dockerfile.lower import lower_stage
from jettison.frontend.dockerfile.parser import parse, parse_trigger
from jettison.frontend.dockerfile.span import pointing
from jettison.frontend.dockerfile.stages import Stage, StageGraph
from jettison.frontend.dockerfile.state import Build, StageState
from jettison.frontend.dockerfile.syntax import Arg, Dockerfile, From, Instruction
from jettison.located import located
from jettison.oci.digest import Digest
from jettison.oci.platform import Platform, normalise
from jettison.plan.graph import ImageTemplate, Plan, StageSummary, order


def compile(request: CompileRequest, images: ImageConfigs) -> Plan | NeedImages:  # noqa: A001
    """Compile a build definition.

    Args:
        request: The text and everything that flags say.
        images: Configs by request; those that ``NeedImages`` asked for before.

    Raises:
        FrontendError: the Dockerfile is wrong; the error has its place.
    """
    file = parse(request.text, filename=request.filename)
    with pointing(file.text):
        return _compile(request, file, images)


def _compile(request: CompileRequest, file: Dockerfile, images: ImageConfigs) -> Plan | NeedImages:
    header, blocks = split(file)
    if not blocks:
        raise StageGraphError(
            "dockerfile contains no stages to build",
            hint="begin a stage with FROM",
            span=file.instructions[-1].span,
        )
    values, epoch, request = _global_values(request, file, header, blocks)
    graph = StageGraph(request.contexts, request.platform, file.escape)
    for first, _ in blocks:
        graph.add(first, values)
    target = graph.target(request.target)
    for stage, (_, body) in zip(graph.stages, blocks, strict=True):
        graph.connect(stage, body)
    graph.check_cycles()
    build = Build(request, graph, images, escape=file.escape, global_values=values)
    needed = _resolve(build, target)
    if isinstance(needed, NeedImages):
        return needed
    for stage in needed:
        if stage.index >= 0:
            lower_stage(build, stage)
    return _plan(build, file, target, epoch)


def _global_values(
    request: CompileRequest,
    file: Dockerfile,
    header: Sequence[Arg],
    blocks: Sequence[tuple[From, list[Instruction]]],
) -> tuple[dict[str, str], int | None, CompileRequest]:
    """Return the global scope, the epoch, and the request with the epoch put in as a number."""
    target = request.target or blocks[-1][0].stage_name
    defaults = scope.platform_arguments(request.build_platform, request.platform, target)
    values = scope.global_scope(defaults, header, build_args=request.build_args, escape=file.escape)
    text = request.build_args.get(EPOCH) or values.get(EPOCH, "")
    with located(_place_of(EPOCH, header) if EPOCH not in request.build_args else None):
        epoch = parse_epoch(text, request) if text else None
    build_args = dict(request.build_args)
    if epoch is None and request.default_epoch is not None:
        epoch = request.default_epoch
        build_args[EPOCH] = str(epoch)
    for names in (build_args, values):
        if EPOCH in names:
            if epoch is None:
                del names[EPOCH]
            else:
                names[EPOCH] = str(epoch)
    return values, epoch, msgspec.structs.replace(request, build_args=build_args)


def _place_of(name: str, header: Sequence[Arg]) -> Span | None:
    """Return the place of the last global ARG of a name."""
    spans = [each.span for each in header if any(item.key == name for item in each.items)]
    return spans[-1] if spans else None


def _resolve(build: Build, target: Stage) -> list[Stage] | NeedImages:
    """Return what the target needs, with ONBUILD triggers in place, or the images to look at.

    Triggers may copy from stages and images that nothing else needs, so this repeats.
    """
    while True:
        needed = build.graph.reachable(target)
        missing = [stage for stage in needed if build.is_missing(stage)]
        if missing:
            return _need(build, missing)
        fresh = [stage for stage in needed if not stage.triggered]
        if not fresh:
            return needed
        for stage in fresh:
            stage.triggered = True
            _add_triggers(build, stage)


def _need(build: Build, missing: Sequence[Stage]) -> NeedImages:
    """Ask for the images of stages, in the order of the text, each once."""
    places: dict[ImageRequest, Span] = {}
    for stage in sorted(missing, key=lambda stage: stage.span.line):
        request = build.image_request(stage)
        if request is not None:
            places.setdefault(request, stage.span)
    return NeedImages(requests=tuple(places), spans=tuple(places.values()))


def _add_triggers(build: Build, stage: Stage) -> None:
    """Put the ONBUILD triggers of a stage's base before its own instructions."""
    if stage.base is not None:
        expressions: Sequence[str] = [
            each.expression for each in build.graph.own_triggers(stage.base)
        ]
    else:
        config = build.image_config(stage)
        expressions = (config.config.on_build or ()) if config is not None else ()
    runs = scope.runs_triggers(build.request.build_args) and not build.graph.is_replaced(stage)
    if expressions and runs:
        with located(stage.span):
            triggers = [parse_trigger(each, stage.span) for each in expressions]
            build.graph.trigger(stage, triggers)


def _plan(build: Build, file: Dockerfile, target: Stage, epoch: int | None) -> Plan:
    request = build.request
    final = build.done[target.index]
    if request.labels:
        final.image.add_labels(request.labels.items())
    roots = () if final.root is None else (final.root,)
    vertices = tuple(order(roots, build.vertices))
    planned = {each.digest for each in vertices}
    return Plan(
        vertices=vertices,
        target=_digest(final),
        image=ImageTemplate(
            platform=_platform(request, final.image.platform),
            config=final.image.freeze(),
            history=tuple(final.image.history),
            author=final.image.author,
        ),
        stages=tuple(_summary(build, stage, planned) for stage in build.graph.stages),
        source_date_epoch=epoch,
        unused_build_args=_unused(build, file),
        proxy_env=scope.proxy_environment(request.build_args),
        target_stage=target.index,
    )


def _summary(build: Build, stage: Stage, planned: Collection[Digest]) -> StageSummary:
    """Return what reports tell of a stage.

    A stage that is a named context of files has no root file system in the plan when others only
    copy from it.
    """
    state = build.done.get(stage.index)
    result = _digest(state) if state is not None else None
    return StageSummary(
        index=stage.index,
        name=stage.name,
        base_name=stage.base_name,
        result=result if result in planned else None,
        needed=state is not None,
        used_by=tuple(dict.fromkeys(stage.used_by)),
        span=stage.span,
        parent=stage.base.index if stage.base is not None else -1,
        steps=tuple(build.steps.get(stage.index, ())),
    )


def _digest(state: StageState) -> Digest | None:
    return state.root.digest if state.root is not None else None


def _platform(request: CompileRequest, base: Platform) -> Platform:
    """Return the image's platform: the wanted one, with the base's details if it is of the kind."""
    wanted = request.platform
    if (wanted.os, wanted.architecture) == (base.os, base.architecture):
        kept = (
            wanted.variant or base.variant,
            wanted.os_version or base.os_version,
            wanted.os_features or base.os_features,
        )
    elif request.implicit_platform:
        wanted, kept = base, (base.variant, base.os_version, base.os_features)
    else:
        return wanted
    variant, version, features = kept
    named = normalise(wanted.os, wanted.architecture, variant)
    return msgspec.structs.replace(named, os_version=version, os_features=features)


def _unused(build: Build, file: Dockerfile) -> tuple[str, ...]:
    """Return build arguments that no ARG of the file or of a trigger names."""
    steps = [step.instruction for stage in build.graph.stages for step in stage.steps]
    declared = {
        item.key
        for instruction in (*file.instructions, *steps)
        if isinstance(instruction, Arg)
        for item in instruction.items
    }
    return scope.unused_build_args(build.request.build_args, declared | set(build.global_values))

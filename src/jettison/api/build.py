"""``build``: a request becomes an image, and the image goes where it was asked to go.

In:  a session, a ``BuildRequest``, a sink for events.
Out: ``BuildResult``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

import msgspec

from jettison.api.attest import Attesting
from jettison.api.build_checks import RuleLoader, check_settings
from jettison.api.built import BuiltImages, PlatformBuild, layer_flags, main_last
from jettison.api.check import check_build
from jettison.api.compile import Compiled, compile_request, excerpts_from
from jettison.api.credentials import access_of
from jettison.api.early_push import early_uploads
from jettison.api.kept_build import keep_build
from jettison.api.limits import wants_report
from jettison.api.lost import without_lost
from jettison.api.outcome import Outcome
from jettison.api.output import PreparedOutput, prepare_outputs, reads_layers, write_outputs
from jettison.api.project import Built
from jettison.api.remember import remember_built, remember_failed
from jettison.api.request import BuildRequest, BuildResult
from jettison.api.session import Session
from jettison.api.solving import background_packer, make_solver
from jettison.api.sources import ContextSources
from jettison.api.stages import stage_reports
from jettison.api.verdict import Verdict, judge_all
from jettison.errors import UsageError
from jettison.events import PlanReady, Sink, Warned
from jettison.linux import userns
from jettison.oci.digest import Digest
from jettison.plan.graph import Plan, union
from jettison.source.context import BuildContext, open_context

if TYPE_CHECKING:
    from jettison.image.background import BackgroundPacker
    from jettison.image.parts import Merged
    from jettison.report.model import Report
    from jettison.solver.result import Solution
    from jettison.solver.solve import Solver
    from jettison.store.image import StoredImage


def build(
    session: Session,
    request: BuildRequest,
    sink: Sink,
    reported: Callable[[Report], None] | None = None,
) -> BuildResult:
    """Build an image.

    Args:
        session: The store.
        request: What.
        sink: Gets events.
        reported: Gets the report, if the request asks for one or sets limits; also when a gate
            fails.

    Raises:
        CheckError, GateError: the image is not to pass; nothing was written to any output.
        NamespaceRequired: something must run, and the process may not do that as it is.
        JettisonError: see ``errors``; the store is as it was, but for steps that succeeded.
    """
    return without_lost(session, request, sink, lambda: _build(session, request, sink, reported))


def _build(
    session: Session,
    request: BuildRequest,
    sink: Sink,
    reported: Callable[[Report], None] | None,
) -> BuildResult:
    """Build an image, if all layers of caches are where they are said to be."""
    _check_request(request)
    began = time.monotonic()
    session.from_pipes.clear()
    checks = check_settings(request)
    attesting = Attesting(session, request, sink)
    outputs = prepare_outputs(session, request, attesting.of)
    if request.probe or reads_layers(request):
        session.require_namespace()
    _forget_failed(session)
    with ExitStack() as resources:
        access = access_of(session, request)
        context = resources.enter_context(open_context(request, session.store, access))
        resources.enter_context(excerpts_from(context))
        compiled = compile_request(session, request, context, sink)
        plan = union([each.plan for each in compiled])
        _report_stages(plan, [each.plan for each in compiled], request, sink)
        of_text = check_build(session, compiled, context, sink, checks)
        sources = ContextSources(
            context,
            session.store,
            resources=resources,
            git_commands=request.build_args.get("BUILDKIT_GIT_DEBUG_COMMANDS", "") in {"1", "true"},
        )
        packer = resources.enter_context(
            background_packer(
                session,
                request,
                outputs,
                plan,
                lambda: early_uploads(session, request, outputs, checks, resources),
            )
        )
        built = (request.context, request.dockerfile, request.target)
        loader = resources.enter_context(
            RuleLoader(checks, session.require_namespace, session.cache.answers, built)
        )
        solver = make_solver(session, request, sources, plan, sink, packer, resources, loader)
        try:
            solution = solver.solve()
        finally:
            all_built = _remembered(session, request, context, compiled, solver.solution())
        packer.finish(tuple(each for target in plan.targets for each in solution.stack(target)))
        _tell_untraced(session, request, solution, sink)
        parts = [
            PlatformBuild(
                built, BuiltImages(session, built.solution, outputs, layer_flags(request))
            )
            for built in all_built
        ]
        wanted = wants_report(request, ran=bool(solution.executed))
        explain = request.explain or (wanted and bool(solution.executed))
        outcomes = [
            _outcome(session, part, solver.origins, sink, began, explain=explain, reports=wanted)
            for part in main_last(parts)
        ][::-1]
        verdict = judge_all(
            session,
            request,
            outcomes,
            checks=checks,
            of_text=of_text,
            solve=lambda other: make_solver(
                session, request, sources, other, sink, packer, resources, loader
            ).solve(),
            sink=sink,
            reported=reported,
        )
        _verify(
            session,
            request,
            parts,
            outputs,
            sink,
            lambda other, packs: make_solver(
                other, request, sources, plan, lambda _: None, packs, resources, loader
            ),
        )
        for part in main_last(parts):
            attesting.solved(part.built, sources.found, part.images.first())
        written = write_outputs(
            outputs,
            lambda wanting: [part.images.wanted_by(wanting) for part in parts],
            sink,
            attesting.exported,
        )
        attesting.finish()
        joined = _join(session, request, written.digest, parts, sink)
        for part in parts:  # an output may have wanted other times
            keep_build(session, part, solver.origins)
        _keep_cached(session, solution)
    if solution.executed:
        from jettison.api.prune import keep_within_budget  # only what ran adds

        keep_within_budget(session)
    if verdict.report is not None:
        _hand_out(session, request, verdict.report, outcomes[0].image, written.digest, reported)
    result = msgspec.structs.replace(
        _result_of(session, outcomes[0], verdict),
        tags=written.names,
        manifest=written.digest,
        descriptor=written.manifest,
        executed=len(solution.executed),
        cached=len(solution.cached),
        provenances=attesting.provenances,
        images={
            str(part.built.solution.plan.image.platform): part.images.first().id for part in parts
        },
    )
    if joined is None:
        return result
    missing = tuple(map(str, joined.missing))
    return msgspec.structs.replace(
        result, index=joined.index, missing_parts=missing, left_tags=joined.left
    )


def _remembered(
    session: Session,
    request: BuildRequest,
    context: BuildContext,
    compiled: Sequence[Compiled],
    found: Solution,
) -> list[Built]:
    """Return what a build came to by platforms; keep the traces of those that failed."""
    all_built = [Built(request, each, context, found.of(each.plan)) for each in compiled]
    for built in all_built:
        remember_failed(session, built)
    return all_built


def _verify(
    session: Session,
    request: BuildRequest,
    parts: Sequence[PlatformBuild],
    outputs: Sequence[PreparedOutput],
    sink: Sink,
    solver: Callable[[Session, BackgroundPacker], Solver],
) -> None:
    """See that a second build makes the same images, if the request asks for that."""
    if request.verify_reproducible:
        from jettison.api.reproduce import verify_reproducible

        verify_reproducible(session, parts, outputs, layer_flags(request), solver, sink)


def _outcome(
    session: Session,
    part: PlatformBuild,
    find_origins: Callable[[Digest], bytes | None],
    sink: Sink,
    began: float,
    *,
    explain: bool,
    reports: bool,
) -> Outcome:
    """Make the image of a platform, and remember how it was built."""
    image = part.images.first()
    keep_build(session, part, find_origins)
    explanation = remember_built(session, part.built, image.id, sink, explain=explain)
    seconds = time.monotonic() - began
    return Outcome(part.built.solution, image, seconds, explanation, reports=reports)


def _join(
    session: Session,
    request: BuildRequest,
    pushed: Digest | None,
    parts: Sequence[PlatformBuild],
    sink: Sink,
) -> Merged | None:
    """Make what was pushed a part of a set, if that is asked for."""
    if not request.part_of or pushed is None:
        return None
    from jettison.api.parts import join_parts

    compiled = [each.built.compiled for each in parts]
    platforms = [(each.asked.platform, each.plan.image.platform) for each in compiled]
    return join_parts(session, request, pushed, platforms, sink)


def _result_of(session: Session, outcome: Outcome, verdict: Verdict) -> BuildResult:
    """Return what is said of a build by one of its images."""
    image = outcome.image
    return BuildResult(
        image_id=image.id,
        stages=stage_reports(session, outcome.solution),
        layers=tuple(each.layer for each in image.layers),
        contents=tuple(session.store.layers.find(each.layer).content for each in image.layers),
        size_bytes=sum(session.store.layers.sizes(each.layer for each in image.layers).values()),
        explanation=outcome.explanation,
        findings=verdict.findings,
        probed=verdict.probed,
    )


def _keep_cached(session: Session, solution: Solution) -> None:
    """Write caches elsewhere, and which records of the store were of use."""
    if session.caches is not None:
        session.caches.write(solution)
    session.cache.records.note_used()


def _tell_untraced(session: Session, request: BuildRequest, solution: Solution, sink: Sink) -> None:
    """Say what could not be traced, if that is asked for."""
    if request.trace_inputs:
        from jettison.api.traced import tell_untraced  # seldom asked for

        tell_untraced(session, solution, sink)


def _forget_failed(session: Session) -> None:
    """Remove what steps that failed in the last build have left."""
    if session.store.failed.exists() and not userns.is_needed():
        from jettison.solver.failed import forget

        forget(session.store)


def _check_request(request: BuildRequest) -> None:
    """See that flags go together, before anything is built."""
    if request.push and not request.tags:
        raise UsageError("--push needs a name", hint="name the image with -t")
    if request.attach_report and not request.push:
        raise UsageError("--report=attach needs a registry", hint="add `--push`")
    if request.part_of or request.parts:
        from jettison.api.parts import require_parts

        require_parts(request)
    if request.probe:
        from jettison.api.probe_container import parse_target

        parse_target(request.probe)


def _hand_out(
    session: Session,
    request: BuildRequest,
    report: Report,
    image: StoredImage,
    manifest: Digest | None,
    reported: Callable[[Report], None] | None,
) -> None:
    """Give a report to whoever wants it, once the image is where it was to go."""
    from jettison.api.build_report import exported

    report = exported(session, report, image, manifest)
    if request.attach_report and manifest is not None:
        from jettison.api.attached_report import attach_report

        attach_report(session, report, request.tags, manifest)
    if reported is not None:
        reported(report)


def _report_stages(plan: Plan, parts: Sequence[Plan], request: BuildRequest, sink: Sink) -> None:
    """Tell what is to be solved; a stage is skipped that no platform needs."""
    now = time.time_ns()
    needed = {stage.index for part in parts for stage in part.stages if stage.needed}
    skipped = tuple(
        stage.name or str(stage.index) for stage in plan.stages if stage.index not in needed
    )
    sink(PlanReady(now, tuple((v.digest, v.name) for v in plan.vertices), skipped))
    if plan.unused_build_args:
        names = ", ".join(plan.unused_build_args)
        sink(Warned(now, f"build arguments that nothing consumes: {names}"))
    known = {each for stage in plan.stages for each in (stage.name.lower(), str(stage.index))}
    unknown = [each for each in request.no_cache_stages if each.lower() not in known]
    if unknown:
        sink(Warned(now, f"`--no-cache-filter` names no stage: {', '.join(unknown)}"))

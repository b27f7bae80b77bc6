"""The report of a build that has just been solved, and its gates.

In:  a request, a ``Solution``, the image that was made of it.
Out: a ``Report`` with what the cache gave, what it is compared with, and whether limits are kept.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from jettison.api.request import ALL, KNOWN, BuildRequest
from jettison.api.session import Session
from jettison.errors import (
    ContentError,
    ImageNotFoundError,
    PlatformNotFoundError,
    SourceError,
    StorageError,
)
from jettison.events import Sink, Warned
from jettison.image.names import find_for, tag_reference
from jettison.oci.digest import Digest
from jettison.oci.platform import parse_platform
from jettison.plan.op import ImageOp
from jettison.report.model import Cache, Image, Report, Stage, Why
from jettison.report.verdict import Baseline
from jettison.solver.result import Solution, StackResult
from jettison.store.image import StoredImage

if TYPE_CHECKING:
    from jettison.api.outcome import Outcome, Solve
    from jettison.api.roots import Roots
    from jettison.findings.finding import Finding
    from jettison.report.limits import Limits
    from jettison.why.explanation import Explanation

_FILES = 10


def build_report(
    session: Session,
    request: BuildRequest,
    outcome: Outcome,
    *,
    findings: Sequence[Finding],
    open_roots: Callable[[], Roots],
    solve: Solve,
    sink: Sink,
) -> Report | None:
    """Return the report of a build, None if nobody asked for one and not all is known.

    It has no digests yet: nothing was exported. A failed gate is no error here.

    Args:
        session: The store.
        request: What was asked for.
        outcome: What was built.
        findings: Of the image's checks.
        open_roots: Returns the root file systems of the build.
        solve: For a counterfactual that is to be built.
        sink: Gets events.

    Raises:
        NamespaceRequired: files must be read, and the process may not do that as it is.
        UsageError: a limit, or what it is compared with, is wrong.
        ContentError, SourceError, StorageError: a layer cannot be had.
    """
    from jettison.api.limits import limits_of
    from jettison.api.report import image_report
    from jettison.report.assembly.findings import reported_findings
    from jettison.report.gates import judge

    solution, image, explanation = outcome.solution, outcome.image, outcome.explanation
    limits = limits_of(request)
    read = request.report != KNOWN or bool(limits.limits)
    try:
        report = image_report(
            session, image, read=read, details=request.report == ALL, open_roots=open_roots
        )
    except (ContentError, SourceError, StorageError):
        if read:
            raise
        return None  # it would only have been shown
    own = _steps(solution)
    reasons = _reasons(report, own, explanation) if explanation is not None else {}
    report = msgspec.structs.replace(
        report,
        seconds=round(outcome.seconds, 3),
        stages=tuple(
            _with_cache(each, own.get(each.index, ()), solution, reasons) for each in report.stages
        ),
        cache=_cache(report.cache.skipped, solution),
        findings=reported_findings(findings),
    )
    ref = tag_reference(request.tags[0]).familiar if request.tags else ""
    report = msgspec.structs.replace(
        report,
        image=msgspec.structs.replace(_with_layers(report), ref=ref),
        baseline=_baseline(session, request, report, limits),
    )
    if request.counterfactual == "build":
        from jettison.api.counterfactual import measure

        report = measure(session, report, solution.plan, solve, sink)
    if "max-growth" in limits.limits and report.baseline is None:
        text = "`max-growth` limits nothing: there is no build to compare with"
        sink(Warned(time.time_ns(), text))
    return msgspec.structs.replace(report, budget=judge(report, limits))


def require_budget(report: Report) -> None:
    """Make sure that all limits are kept.

    Raises:
        GateError: one is not.
    """
    from jettison.report.gates import failure

    error = failure(report.budget)
    if error is not None:
        raise error


def exported(
    session: Session, report: Report, image: StoredImage, manifest: Digest | None
) -> Report:
    """Return the report of an image that was written to its outputs."""
    from jettison.api.report import with_blobs

    report = with_blobs(session, image, report)
    if manifest is None:
        return report
    return msgspec.structs.replace(
        report, image=msgspec.structs.replace(report.image, digest=manifest)
    )


def _reasons(
    report: Report, own: Mapping[int, Sequence[Digest]], explanation: Explanation
) -> Mapping[str, Why]:
    """Return why steps ran, by vertex."""
    names: dict[str, str] = {
        vertex: step.id
        for stage in report.stages
        for step, vertex in zip(stage.steps, own.get(stage.index, ()), strict=False)
    }
    found = {}
    for step in explanation.steps:
        root = explanation.roots[step.root]
        files = tuple(each.path for each in root.files[:_FILES])
        place = names.get(step.vertex if step.direct else root.step, "")
        found[step.vertex] = Why(root.cause, root.text, place, files, root.fix)
    return found


def _with_cache(
    stage: Stage, own: Sequence[Digest], solution: Solution, reasons: Mapping[str, Why]
) -> Stage:
    """Return a stage whose steps say whether they ran, and why."""
    if len(own) != len(stage.steps):
        return stage
    ran = set(solution.executed)
    steps = tuple(
        msgspec.structs.replace(step, cached=vertex not in ran, why=reasons.get(vertex))
        for step, vertex in zip(stage.steps, own, strict=True)
    )
    return msgspec.structs.replace(stage, steps=steps)


def _steps(solution: Solution) -> Mapping[int, tuple[Digest, ...]]:
    """Return the vertices of each stage that make layers, in order."""
    ops = {vertex.digest: vertex.op for vertex in solution.plan.vertices}
    return {
        stage.index: tuple(
            step.vertex
            for step in stage.steps
            if step.vertex in ops and not isinstance(ops[step.vertex], ImageOp)
        )
        for stage in solution.plan.stages
    }


def _with_layers(report: Report) -> Image:
    """Return the image whose layers say whether their steps ran."""
    cached = {step.id: step.cached for stage in report.stages for step in stage.steps}
    layers = tuple(
        msgspec.structs.replace(each, cached=cached.get(each.step, True))
        for each in report.image.layers
    )
    return msgspec.structs.replace(report.image, layers=layers)


def _cache(skipped: tuple[str, ...], solution: Solution) -> Cache:
    saved = 0
    for vertex in solution.cached:
        result = solution.results.get(vertex)
        saved += result.duration_ns if isinstance(result, StackResult) else 0
    hits = len(solution.cached)
    return Cache(hits + len(solution.executed), hits, round(saved / 1e9, 3), skipped)


def _baseline(
    session: Session, request: BuildRequest, report: Report, limits: Limits
) -> Baseline | None:
    """Return what a build is compared with: what was named, or what its tag stands for until now.

    Raises:
        UsageError: what was named is neither a report nor an image that is here.
    """
    from jettison.api.baseline import against, image_named, report_file

    if limits.baseline:
        other = report_file(limits.baseline)
        if other is not None:
            return against(report, other, limits.baseline)
        return against(report, image_named(session, limits.baseline), limits.baseline)
    if not request.tags:
        return None
    name = tag_reference(request.tags[0])
    platform = parse_platform(report.image.platform)
    try:
        last = find_for(session.store, str(name), platform)
    except (ImageNotFoundError, PlatformNotFoundError):
        return None
    from jettison.api.report import image_report

    try:
        return against(report, image_report(session, last, read=False), request.tags[0])
    except (ContentError, SourceError, StorageError):
        return None  # its layers were removed

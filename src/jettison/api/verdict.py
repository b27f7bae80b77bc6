"""What is said of a build's image before it goes anywhere: findings of checks, report, gates.

In:  a request, what was built.
Out: a ``Report`` if one is wanted; an error if the image is not to pass.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING

import msgspec

from jettison.api.build_checks import CheckSettings, build_findings, require_no_findings
from jettison.api.known_secrets import known_secrets
from jettison.api.outcome import Outcome, Solve
from jettison.api.request import BuildRequest
from jettison.api.session import Session
from jettison.errors import CheckError, GateError
from jettison.events import Sink
from jettison.findings.finding import Finding
from jettison.solver.result import Solution, StackResult

if TYPE_CHECKING:
    from jettison.analysis.rootfs import Rootfs
    from jettison.api.probed import Probed
    from jettison.api.roots import Roots
    from jettison.report.model import Report


class Verdict(msgspec.Struct, frozen=True):
    """What was said of an image that is to pass.

    Args:
        report: If one is wanted.
        findings: Of its checks, and of the Dockerfile's.
        probed: What a start of it came to, if the request asks for one.
    """

    report: Report | None
    findings: tuple[Finding, ...]
    probed: Probed | None = None


def judge_all(
    session: Session,
    request: BuildRequest,
    outcomes: Sequence[Outcome],
    *,
    checks: CheckSettings,
    of_text: tuple[Finding, ...],
    solve: Solve,
    sink: Sink,
    reported: Callable[[Report], None] | None,
) -> Verdict:
    """Judge the images of all platforms; report and start are of the first.

    Each is checked, and what was not found before is reported with its platform. Limits are for
    each.
    Arguments and errors are those of ``judge``.
    """
    first, *others = outcomes
    judged = partial(judge, session, checks=checks, solve=solve, sink=sink, reported=reported)
    verdict = judged(request, first, known=of_text)
    for each in others:
        from jettison.api.limits import limits_of  # seldom is there another platform

        asked = msgspec.structs.replace(request, probe="")
        outcome = msgspec.structs.replace(
            each,
            reports=each.reports and bool(limits_of(request).limits),
            platform=str(each.solution.plan.image.platform),
        )
        other = judged(asked, outcome, known=verdict.findings)
        verdict = msgspec.structs.replace(verdict, findings=other.findings)
    return verdict


def judge(
    session: Session,
    request: BuildRequest,
    outcome: Outcome,
    *,
    checks: CheckSettings,
    known: tuple[Finding, ...],
    solve: Solve,
    sink: Sink,
    reported: Callable[[Report], None] | None,
) -> Verdict:
    """Return the report of an image, if one is wanted, what its checks found and a start came to.

    Args:
        session: The store.
        request: What was asked for.
        outcome: What was built.
        checks: How the image is checked.
        known: What was found in the Dockerfile or in other images, which is reported already.
        solve: For a counterfactual that is to be built.
        sink: Gets findings.
        reported: Gets the report if the image is not to pass.

    Raises:
        CheckError, GateError, ProbeError: the image is not to pass.
        NamespaceRequired: files must be read, and the process may not do that as it is.
        ContentError, SourceError, StorageError: a layer cannot be had.
    """

    @cache
    def open_roots() -> Roots:
        from jettison.api.roots import Roots  # where something is not known yet

        read = checks.is_strict or _all_here(session, outcome.solution)
        return Roots(session, outcome.image, read=read)

    secrets = partial(known_secrets, session, request, outcome.solution.plan)
    found = build_findings(
        session,
        outcome.image,
        checks,
        open_roots,
        sink,
        secrets,
        known=known,
        platform=outcome.platform,
    )
    findings = known + found
    report = None
    if outcome.reports:
        from jettison.api.build_report import build_report

        report = build_report(
            session,
            request,
            outcome,
            findings=findings,
            open_roots=open_roots,
            solve=solve,
            sink=sink,
        )
    try:
        if report is not None:
            from jettison.api.build_report import require_budget

            require_budget(report)
        probed = _probed(session, request, outcome, findings, lambda: open_roots().image())
        wrong = probed.refuted if probed is not None else ()
        require_no_findings([each for each in findings if each not in wrong], checks)
    except (CheckError, GateError):
        if reported is not None and report is not None:
            reported(report)
        raise
    return Verdict(report, findings, probed)


def _probed(
    session: Session,
    request: BuildRequest,
    outcome: Outcome,
    findings: Sequence[Finding],
    open_root: Callable[[], Rootfs | None],
) -> Probed | None:
    """Start the image, if the request asks for that.

    Raises:
        ProbeError: it does not do what is asked of it.
        JettisonError: it cannot be started at all.
    """
    if not request.probe:
        return None
    from jettison.api.probe import probe_image, require_good
    from jettison.api.probe_container import parse_target

    target = parse_target(request.probe)
    probed = probe_image(session, outcome.image, target, findings, open_root)
    require_good(probed)
    return probed


def _all_here(session: Session, solution: Solution) -> bool:
    """Tell whether all layers of a build are here as files."""
    stacks = [each.stack for each in solution.results.values() if isinstance(each, StackResult)]
    layers = dict.fromkeys(layer for stack in stacks for layer in stack)
    return all(session.layer_store.info(layer) is not None for layer in layers)

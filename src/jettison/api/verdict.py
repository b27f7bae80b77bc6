"""What is said of a build's image before it goes anywhere: findings of checks, report, gates.

In:  a request, what was built.
Out: a ``Report`` if one is wanted; an error if the image is not to pass.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from jettison.api.build_checks import CheckSettings, build_findings, require_no_findings
from jettison.api.known_secrets import known_secrets
from jettison.api.limits import wants_report
from jettison.api.outcome import Outcome, Solve
from jettison.api.request import BuildRequest
from jettison.api.session import Session
from jettison.errors import CheckError, GateError
from jettison.events import Sink
from jettison.findings.finding import Finding
from jettison.solver.result import Solution, StackResult

if TYPE_CHECKING:
    from jettison.api.roots import Roots
    from jettison.report.model import Report


def judge(
    session: Session,
    request: BuildRequest,
    outcome: Outcome,
    *,
    checks: CheckSettings,
    of_text: tuple[Finding, ...],
    solve: Solve,
    sink: Sink,
    reported: Callable[[Report], None] | None,
) -> tuple[Report | None, tuple[Finding, ...]]:
    """Return the report of an image, if one is wanted, and what its checks found.

    Args:
        session: The store.
        request: What was asked for.
        outcome: What was built.
        checks: How the image is checked.
        of_text: What was found in the Dockerfile, which is reported already.
        solve: For a counterfactual that is to be built.
        sink: Gets findings.
        reported: Gets the report if the image is not to pass.

    Raises:
        CheckError, GateError: the image is not to pass.
        NamespaceRequired: files must be read, and the process may not do that as it is.
        ContentError, SourceError, StorageError: a layer cannot be had.
    """

    @cache
    def open_roots() -> Roots:
        from jettison.api.roots import Roots  # where something is not known yet

        read = checks.is_strict or _all_here(session, outcome.solution)
        return Roots(session, outcome.image, read=read)

    known = known_secrets(session, request, outcome.solution.plan)
    found = build_findings(session, outcome.image, checks, open_roots, sink, known)
    findings = of_text + found
    report = None
    if wants_report(request, ran=bool(outcome.solution.executed)):
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
        require_no_findings(findings, checks)
    except (CheckError, GateError):
        if reported is not None and report is not None:
            reported(report)
        raise
    return report, findings


def _all_here(session: Session, solution: Solution) -> bool:
    """Tell whether all layers of a build are here as files."""
    stacks = [each.stack for each in solution.results.values() if isinstance(each, StackResult)]
    layers = dict.fromkeys(layer for stack in stacks for layer in stack)
    return all(session.layer_store.info(layer) is not None for layer in layers)

"""Findings of checks, as a report has them."""

from __future__ import annotations

from jettison.errors import Span
from jettison.findings import finding as checks
from jettison.report.assembly.findings import reported_findings
from jettison.report.verdict import Finding, Fix


def test_a_report_has_the_first_fix_and_both_lines() -> None:
    found = checks.Finding(
        "MS304",
        "will not start",
        Span(2, end_line=3),
        severity=checks.Severity.ERROR,
        path="/app",
        stage="final",
        cause=("needs x",),
        fixes=(
            checks.Fix(checks.FixKind.REPLACE, "FROM b", 1),
            checks.Fix(checks.FixKind.ADVICE, "or not"),
        ),
    )
    bare = checks.Finding("MS507", "root", None, severity=checks.Severity.NOTE)
    assert reported_findings([found, bare]) == (
        Finding(
            "MS304", "error", "will not start", 2, "/app", Fix("replace", "FROM b", 1),
            "final", ("needs x",), 3,
        ),
        Finding("MS507", "note", "root"),
    )  # fmt: skip

"""The findings of a report, from those of checks.

In:  findings of ``check``.
Out: values of ``report.verdict``.
"""

from __future__ import annotations

from collections.abc import Iterable

from jettison.findings import finding as checks
from jettison.report.verdict import Finding, Fix


def reported_findings(findings: Iterable[checks.Finding]) -> tuple[Finding, ...]:
    """Return findings as a report has them, in the same order."""
    return tuple(_reported(each) for each in findings)


def _reported(found: checks.Finding) -> Finding:
    fix = found.fixes[0] if found.fixes else None
    span = found.span
    return Finding(
        id=found.rule,
        severity=found.severity.value,
        message=found.detail,
        line=span.line if span is not None else None,
        path=found.path or None,
        fix=Fix(fix.kind.value, fix.text, fix.line, fix.end_line) if fix is not None else None,
        stage=found.stage,
        cause=found.cause,
        end_line=(span.end_line or span.line) if span is not None else None,
    )

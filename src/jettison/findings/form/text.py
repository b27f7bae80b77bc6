"""Findings as text for people.

In:  findings, the Dockerfile.
Out: a summary, then each finding with its place, its cause and its fixes.

Where all findings are warnings about the text, the form is that of docker's ``--check``.
"""

from __future__ import annotations

from collections.abc import Sequence

from jettison.findings.finding import Finding, Severity
from jettison.findings.fix import fix_lines
from jettison.findings.source import Source
from jettison.frontend.dockerfile.span import excerpt


def as_text(findings: Sequence[Finding], source: Source) -> str:
    """Return all findings.

    Args:
        findings: In the order in which they are shown.
        source: What their places are in.
    """
    if not findings:
        return "Check complete, no warnings found.\n"
    verb = "has" if len(findings) == 1 else "have"
    head = f"Check complete, {counted(findings)} {verb} been found!\n"
    return head + each_as_text(findings, source)


def each_as_text(findings: Sequence[Finding], source: Source) -> str:
    """Return findings without a summary; arguments as for ``as_text``."""
    return "".join(_one(each, source) for each in findings)


def counted(findings: Sequence[Finding]) -> str:
    """Return how many there are: ``1 error, 2 warnings``."""
    parts = []
    for severity in Severity:
        count = sum(1 for each in findings if each.severity is severity)
        if count:
            parts.append(f"{count} {severity.value}{'s' if count > 1 else ''}")
    return ", ".join(parts)


def _one(finding: Finding, source: Source) -> str:
    page = f" - {finding.url}" if finding.url else ""
    lines = [f"\n{finding.severity.name}: {finding.rule}{page}", finding.detail]
    if finding.path and finding.path not in finding.detail:
        lines.append(f"  file  {finding.path}")
    lines += [f"  {line}" for line in finding.cause]
    for number, fix in enumerate(finding.fixes):
        first, *rest = fix_lines(fix)
        lines.append(f"  {'or ' if number else 'fix'}  {first}")
        lines += [f"       {line}" for line in rest]
    if finding.span is not None and source.text:
        lines += ["", excerpt(source.text, finding.span, filename=source.filename)]
    return "\n".join(lines) + "\n"

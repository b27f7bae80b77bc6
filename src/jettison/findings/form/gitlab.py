"""Findings as a code quality report of GitLab, which merge requests show beside the lines.

In:  findings, the Dockerfile.
Out: a JSON array.

Source: GitLab's documentation, "Code Quality report format".
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from jettison.errors import JettisonError, Span
from jettison.findings.finding import Finding, Severity
from jettison.findings.form.fingerprint import fingerprints
from jettison.findings.form.place import Json, end_line
from jettison.findings.source import Source

_SEVERITIES = {Severity.ERROR: "critical", Severity.WARNING: "major", Severity.NOTE: "info"}


def as_gitlab(
    findings: Sequence[Finding], source: Source, *, error: JettisonError | None = None
) -> str:
    """Return all findings, then why the file cannot be built, if it cannot.

    Args:
        findings: What was found.
        source: Where.
        error: Why the file cannot be built.
    """
    rows = [
        _row(each.rule, _said(each), mark, _SEVERITIES[each.severity], source, each.span)
        for each, mark in zip(findings, fingerprints(findings, source), strict=True)
    ]
    if error is not None:
        failed = Finding(error.code, error.message, error.span)
        mark = next(fingerprints([failed], source))
        rows.append(_row(error.code, error.message, mark, "blocker", source, error.span))
    return msgspec.json.format(msgspec.json.encode(rows), indent=2).decode() + "\n"


def _row(
    name: str, text: str, fingerprint: str, severity: str, source: Source, span: Span | None
) -> Json:
    place = span or Span(1)
    return {
        "description": text,
        "check_name": name,
        "fingerprint": fingerprint,
        "severity": severity,
        "location": {
            "path": source.filename.removeprefix("./"),
            "lines": {"begin": place.line, "end": end_line(place)},
        },
    }


def _said(finding: Finding) -> str:
    """Return what is wrong and how that comes: GitLab shows one text."""
    return "; ".join((finding.detail, *finding.cause))

"""Findings as JSON: the form of docker's ``--call=check,format=json``, and keys of our own.

In:  findings, the Dockerfile.
Out: an object with ``warnings`` and ``sources``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from jettison.errors import JettisonError
from jettison.findings.finding import Finding, Severity
from jettison.findings.form.place import Json, encoded, indented, location, without_empty
from jettison.findings.source import Source


def as_json(
    findings: Iterable[Finding],
    source: Source,
    *,
    error: JettisonError | None = None,
    beside: Sequence[Finding] = (),
) -> str:
    """Return all findings; those that docker has none of have ``severity`` and more.

    Args:
        findings: What was found.
        source: Where.
        error: Why the file cannot be built, for ``buildError``.
        beside: Findings of rules that docker does not have, for ``findings``.
    """
    named = {"filename": source.filename, "language": "Dockerfile", "data": encoded(source)}
    document: Json = {"warnings": [_one(each) for each in findings], "sources": [named]}
    if beside:
        document["findings"] = [_one(each) for each in beside]
    if error is not None:
        place = location(error.span)
        document["buildError"] = without_empty({"message": error.message, "location": place})
    return indented(document)


def _one(finding: Finding) -> Json:
    severity = finding.severity
    return without_empty(
        {
            "ruleName": finding.rule,
            "description": finding.description,
            "url": finding.url,
            "detail": finding.detail,
            "location": location(finding.span),
            "severity": severity.value if severity is not Severity.WARNING else "",
            "path": finding.path,
            "stage": finding.stage,
            "cause": list(finding.cause),
            "fixes": [msgspec.to_builtins(fix) for fix in finding.fixes],
        }
    )

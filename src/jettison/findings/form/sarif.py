"""Findings as a SARIF 2.1.0 log with one run.

In:  findings, the Dockerfile.
Out: JSON.

Source: OASIS SARIF 2.1.0.
"""

from __future__ import annotations

from collections.abc import Sequence

from jettison.errors import JettisonError, Span
from jettison.findings.finding import Finding
from jettison.findings.form.place import Json, end_line, indented, without_empty
from jettison.findings.source import Source

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def as_sarif(
    findings: Sequence[Finding],
    source: Source,
    *,
    version: str,
    error: JettisonError | None = None,
) -> str:
    """Return all findings.

    Args:
        findings: What was found.
        source: Where.
        version: Of this program.
        error: Why the file cannot be built: a result without a rule.
    """
    rules = {finding.rule: finding for finding in findings}
    driver = {
        "name": "jettison",
        "version": version,
        "rules": [
            without_empty(
                {
                    "id": name,
                    "shortDescription": {"text": finding.description or name},
                    "helpUri": finding.url,
                }
            )
            for name, finding in rules.items()
        ],
    }
    numbers = {name: number for number, name in enumerate(rules)}
    results = [
        {
            "ruleId": finding.rule,
            "ruleIndex": numbers[finding.rule],
            "level": finding.severity.value,
            "message": {"text": finding.detail},
            "locations": [{"physicalLocation": _place(finding.span, source.filename)}],
        }
        for finding in findings
    ]
    if error is not None:
        results.append(_error(error, source.filename))
    run = {"tool": {"driver": driver}, "results": results}
    return indented({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]})


def _error(error: JettisonError, filename: str) -> Json:
    return {
        "level": "error",
        "message": {"text": error.message},
        "locations": [{"physicalLocation": _place(error.span, filename)}],
    }


def _place(span: Span | None, filename: str) -> Json:
    span = span or Span(1)
    region = {"startLine": span.line, "endLine": end_line(span)}
    return {"artifactLocation": {"uri": filename}, "region": region}

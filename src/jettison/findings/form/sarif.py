"""Findings as a SARIF 2.1.0 log with one run.

In:  findings, the Dockerfile.
Out: JSON.

Source: OASIS SARIF 2.1.0 with Errata 01; GitHub's documentation of what it reads of that.
"""

from __future__ import annotations

from collections.abc import Sequence

from jettison.errors import JettisonError, Span
from jettison.findings.finding import Finding, Fix, FixKind, Severity
from jettison.findings.fix import fix_lines
from jettison.findings.form.fingerprint import fingerprints
from jettison.findings.form.place import Json, end_line, indented, without_empty
from jettison.findings.source import Source

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_IMAGE = "IMAGE"
_PLAIN = frozenset(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/@!$&'()*+,;="
)
_WORST = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.NOTE: 2}
_SECURITY_SCORES = {Severity.ERROR: "8.0", Severity.WARNING: "5.0", Severity.NOTE: "2.0"}
"""How GitHub ranks findings of security: above 7 is high, above 4 medium."""


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
    rules: dict[str, list[Finding]] = {}
    for each in findings:
        rules.setdefault(each.rule, []).append(each)
    driver = {
        "name": "jettison",
        "version": version,
        "rules": [_rule(found) for found in rules.values()],
    }
    numbers = {name: number for number, name in enumerate(rules)}
    marks = fingerprints(findings, source)
    results = [
        _result(each, numbers[each.rule], mark, source)
        for each, mark in zip(findings, marks, strict=True)
    ]
    if error is not None:
        results.append(_error(error, source.filename))
    run: Json = {"tool": {"driver": driver}, "results": results}
    if any(each.path for each in findings):
        text = "The root file system of the image."
        run["originalUriBaseIds"] = {_IMAGE: {"description": {"text": text}}}
    run["columnKind"] = "unicodeCodePoints"
    return indented({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]})


def _rule(findings: Sequence[Finding]) -> Json:
    """Return what is said of a rule; its level is the worst of what it found."""
    first = findings[0]
    worst = min((each.severity for each in findings), key=_WORST.__getitem__)
    properties: Json = {}
    if first.rule.startswith("MS5"):
        properties = {"tags": ["security"], "security-severity": _SECURITY_SCORES[worst]}
    return without_empty(
        {
            "id": first.rule,
            "shortDescription": {"text": first.description or first.rule},
            "helpUri": first.url,
            "defaultConfiguration": {"level": worst.value},
            "properties": properties,
        }
    )


def _result(finding: Finding, rule: int, fingerprint: str, source: Source) -> Json:
    text = "\n".join((finding.detail, *finding.cause))
    return without_empty(
        {
            "ruleId": finding.rule,
            "ruleIndex": rule,
            "level": finding.severity.value,
            "message": {"text": text},
            "locations": [{"physicalLocation": _place(finding.span, source.filename)}],
            "relatedLocations": _related(finding),
            "partialFingerprints": {"jettison/v1": fingerprint},
            "fixes": [_fix(each, source) for each in finding.fixes if _changes(each)],
        }
    ) | {"ruleIndex": rule}


def _related(finding: Finding) -> list[Json]:
    """Return the file of the image that a finding is about."""
    if not finding.path:
        return []
    stage = f" (stage {finding.stage})" if finding.stage else ""
    place = {"artifactLocation": {"uri": _uri(finding.path.lstrip("/")), "uriBaseId": _IMAGE}}
    return [
        {
            "id": 1,
            "physicalLocation": place,
            "message": {"text": f"{finding.path} in the image{stage}"},
        }
    ]


def _changes(fix: Fix) -> bool:
    return fix.kind is not FixKind.ADVICE


def _fix(fix: Fix, source: Source) -> Json:
    """Return a fix: the lines that go, and the text that comes in their place."""
    lines = source.text.rstrip("\n").split("\n")
    text = f"{fix.text}\n" if fix.text or fix.kind is not FixKind.DELETE else ""
    begin = end = 0
    match fix.kind:
        case FixKind.INSERT:
            begin = end = fix.line + 1
        case FixKind.APPEND:
            begin = end = len(lines) + 1
        case _:
            begin, end = fix.line, max(fix.line, fix.end_line) + 1
    region = {"startLine": begin, "startColumn": 1, "endLine": end, "endColumn": 1}
    replacement: Json = {"deletedRegion": region}
    if text:
        replacement["insertedContent"] = {"text": text}
    change = {
        "artifactLocation": {"uri": _uri(source.filename)},
        "replacements": [replacement],
    }
    return {"description": {"text": "\n".join(fix_lines(fix))}, "artifactChanges": [change]}


def _error(error: JettisonError, filename: str) -> Json:
    return {
        "level": "error",
        "message": {"text": error.message},
        "locations": [{"physicalLocation": _place(error.span, filename)}],
    }


def _place(span: Span | None, filename: str) -> Json:
    span = span or Span(1)
    region = {"startLine": span.line, "endLine": end_line(span)}
    return {"artifactLocation": {"uri": _uri(filename)}, "region": region}


def _uri(path: str) -> str:
    """Return a path as a URI reference (RFC 3986)."""
    return "".join(chr(each) if each in _PLAIN else f"%{each:02X}" for each in path.encode())

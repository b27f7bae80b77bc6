"""Findings as GitHub's workflow commands, which annotate the lines of a pull request.

In:  findings, the Dockerfile.
Out: a line each.
"""

from __future__ import annotations

from collections.abc import Iterable

from jettison.errors import JettisonError, Span
from jettison.findings.finding import Finding, Severity
from jettison.findings.fix import fix_lines
from jettison.findings.form.place import end_line
from jettison.findings.source import Source

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def as_github(
    findings: Iterable[Finding], source: Source, *, error: JettisonError | None = None
) -> str:
    """Return all findings, then why the file cannot be built, if it cannot."""
    name = source.filename
    lines = [
        _annotation(_LEVELS[each.severity], name, each.span, each.rule, _said(each))
        for each in findings
    ]
    if error is not None:
        lines.append(_annotation("error", name, error.span, error.code, error.message))
    return "".join(lines)


def _said(finding: Finding) -> str:
    """Return what is wrong, how that comes, and what ends it."""
    lines = [finding.detail, *finding.cause]
    if finding.fixes:
        first, *rest = fix_lines(finding.fixes[0])
        lines += [f"fix: {first}", *rest]
    return "\n".join(lines)


def _annotation(level: str, name: str, span: Span | None, title: str, text: str) -> str:
    span = span or Span(1)
    return (
        f"::{level} file={_property(name)},line={span.line},endLine={end_line(span)},"
        f"title={_property(title)}::{_message(text)}\n"
    )


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")

"""Formats of findings and outlines: text, JSON, SARIF, GitHub's annotations.

In:  findings of one file, or its outline or targets.
Out: text, ready to be printed.

``as_json`` and the ``*_json`` functions have the form of docker's ``--call=…,format=json``.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from jettison.errors import JettisonError, Span
from jettison.frontend.dockerfile.span import excerpt
from jettison.frontend.dockerfile.syntax import Dockerfile
from jettison.lint.finding import Finding
from jettison.lint.outline import Outline, OutlineMount, Target

_SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_Json = dict[str, Any]


def as_text(findings: Sequence[Finding], dockerfile: Dockerfile) -> str:
    """Return a summary, then each finding with its place, for people."""
    count = len(findings)
    if not count:
        return "Check complete, no warnings found.\n"
    noun = "warning has" if count == 1 else "warnings have"
    parts = [f"Check complete, {count} {noun} been found!\n"]
    for finding in findings:
        page = f" - {finding.url}" if finding.url else ""
        place = excerpt(dockerfile.text, finding.span, filename=dockerfile.filename)
        parts.append(f"\nWARNING: {finding.rule}{page}\n{finding.detail}\n\n{place}\n")
    return "".join(parts)


def as_json(
    findings: Iterable[Finding], dockerfile: Dockerfile, *, error: JettisonError | None = None
) -> str:
    """Return an object with ``warnings`` and ``sources``.

    Args:
        findings: What was found.
        dockerfile: Where.
        error: Why the file cannot be built, for ``buildError``.
    """
    warnings = [
        _without_empty(
            {
                "ruleName": finding.rule,
                "description": finding.description,
                "url": finding.url,
                "detail": finding.detail,
                "location": _location(finding.span),
            }
        )
        for finding in findings
    ]
    source = {
        "filename": dockerfile.filename,
        "language": "Dockerfile",
        "data": _encoded(dockerfile),
    }
    document: _Json = {"warnings": warnings, "sources": [source]}
    if error is not None:
        location = _location(error.span) if error.span is not None else None
        document["buildError"] = _without_empty({"message": error.message, "location": location})
    return _indented(document)


def as_sarif(
    findings: Sequence[Finding],
    dockerfile: Dockerfile,
    *,
    version: str,
    error: JettisonError | None = None,
) -> str:
    """Return a SARIF 2.1.0 log with one run.

    Args:
        findings: What was found.
        dockerfile: Where.
        version: Of this program.
        error: Why the file cannot be built: a result without a rule.
    """
    rules = {finding.rule: finding for finding in findings}
    driver = {
        "name": "jettison",
        "version": version,
        "rules": [
            _without_empty(
                {
                    "id": name,
                    "shortDescription": {"text": finding.description or name},
                    "helpUri": finding.url,
                }
            )
            for name, finding in rules.items()
        ],
    }
    results = [
        {
            "ruleId": finding.rule,
            "ruleIndex": list(rules).index(finding.rule),
            "level": "warning",
            "message": {"text": finding.detail},
            "locations": [{"physicalLocation": _sarif_place(finding.span, dockerfile.filename)}],
        }
        for finding in findings
    ]
    if error is not None:
        results.append(_sarif_error(error, dockerfile.filename))
    run = {"tool": {"driver": driver}, "results": results}
    return _indented({"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]})


def as_github(
    findings: Iterable[Finding], dockerfile: Dockerfile, *, error: JettisonError | None = None
) -> str:
    """Return workflow commands that annotate the lines of a pull request."""
    name = dockerfile.filename
    lines = [_annotation("warning", name, each.span, each.rule, each.detail) for each in findings]
    if error is not None:
        lines.append(_annotation("error", name, error.span or Span(1), error.code, error.message))
    return "".join(lines)


def _annotation(level: str, name: str, span: Span, title: str, text: str) -> str:
    return (
        f"::{level} file={_property(name)},line={span.line},endLine={_end_line(span)},"
        f"title={_property(title)}::{_message(text)}\n"
    )


def _sarif_error(error: JettisonError, filename: str) -> _Json:
    place = _sarif_place(error.span or Span(1), filename)
    return {
        "level": "error",
        "message": {"text": error.message},
        "locations": [{"physicalLocation": place}],
    }


def targets_text(targets: Sequence[Target]) -> str:
    """Return a table of targets; the default one is marked."""
    rows = [("TARGET", "DESCRIPTION")]
    for target in targets:
        mark = "(default)" if target.is_default else ""
        rows.append((" ".join(filter(None, (target.name, mark))), target.description))
    return _table(rows)


def targets_json(targets: Iterable[Target], dockerfile: Dockerfile) -> str:
    """Return an object with ``targets`` and ``sources``."""
    listed = [
        _without_empty(
            {
                "name": target.name,
                "default": target.is_default,
                "description": target.description,
                "base": target.base,
                "platform": target.platform,
                "location": _location(target.span),
            }
        )
        for target in targets
    ]
    return _indented({"targets": listed, "sources": [_encoded(dockerfile)]})


def outline_text(outline: Outline) -> str:
    """Return tables of everything that a target can be given."""
    parts: list[str] = []
    if outline.name or outline.description:
        parts.append(_table([("TARGET:", outline.name), ("DESCRIPTION:", outline.description)]))
    if outline.args:
        rows = [(each.name, each.value, each.description) for each in outline.args]
        parts.append(_table([("BUILD ARG", "VALUE", "DESCRIPTION"), *rows]))
    for title, mounts in (("SECRET", outline.secrets), ("SSH", outline.ssh)):
        if mounts:
            lines = [(each.name, "true" if each.required else "") for each in mounts]
            parts.append(_table([(title, "REQUIRED"), *lines]))
    return "\n".join(parts)


def outline_json(outline: Outline, dockerfile: Dockerfile) -> str:
    """Return an object with the arguments, secrets and sockets of a target."""
    args = [
        _without_empty(
            {
                "name": each.name,
                "description": each.description,
                "value": each.value,
                "location": _location(each.span),
            }
        )
        for each in outline.args
    ]
    document = {
        "name": outline.name,
        "description": outline.description,
        "args": args,
        "secrets": list(map(_mount, outline.secrets)),
        "ssh": list(map(_mount, outline.ssh)),
        "sources": [_encoded(dockerfile)],
    }
    return _indented(_without_empty(document))


def _mount(mount: OutlineMount) -> _Json:
    fields = {"name": mount.name, "required": mount.required, "location": _location(mount.span)}
    return _without_empty(fields)


def _without_empty(fields: _Json) -> _Json:
    return {name: value for name, value in fields.items() if value}


def _location(span: Span) -> _Json:
    return {"ranges": [{"start": {"line": span.line}, "end": {"line": _end_line(span)}}]}


def _end_line(span: Span) -> int:
    return max(span.line, span.end_line)


def _sarif_place(span: Span, filename: str) -> _Json:
    region = {"startLine": span.line, "endLine": _end_line(span)}
    return {"artifactLocation": {"uri": filename}, "region": region}


def _encoded(dockerfile: Dockerfile) -> str:
    return base64.b64encode(dockerfile.text.encode()).decode()


def _indented(document: _Json) -> str:
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) + 2 for column in zip(*rows, strict=True)]
    return "".join(
        "".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() + "\n"
        for row in rows
    )


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")

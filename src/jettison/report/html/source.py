"""The Dockerfile line by line, with what each line made, took and was found to do.

In:  a ``Report``.
Out: rows of the listing.
"""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from jettison.report.html.colors import of_stage
from jettison.report.html.text import shorten
from jettison.report.model import Report, Step
from jettison.report.verdict import Finding

MOST_LINES = 3000
MOST_LETTERS = 500
MOST_FINDINGS = 300


class Line(NamedTuple):
    """A line of the source.

    Args:
        number: From 1.
        text: With tabs as spaces.
        color: Class of the stage that it is of; empty above the first.
        step: The step that begins here.
        findings: What was found here.
    """

    number: int
    text: str
    color: str
    step: Step | None
    findings: tuple[Finding, ...]


def lines(report: Report) -> list[Line]:
    """Return the source's lines, the first thousands of them; empty where there is no source."""
    if report.dockerfile is None:
        return []
    steps = {step.line: step for stage in report.stages for step in stage.steps}
    found: defaultdict[int | None, list[Finding]] = defaultdict(list)
    for finding in report.findings[:MOST_FINDINGS]:
        found[finding.line].append(finding)
    rows: list[Line] = []
    begins = _begins(report)
    color = ""
    for number, text in enumerate(report.dockerfile.text.splitlines()[:MOST_LINES], 1):
        color = begins.get(number, color)
        shown = shorten(text.expandtabs(4), MOST_LETTERS)
        rows.append(Line(number, shown, color, steps.get(number), tuple(found.get(number, ()))))
    return rows


def elsewhere(report: Report) -> list[Finding]:
    """Return the findings that no shown line has."""
    count = len(report.dockerfile.text.splitlines()[:MOST_LINES]) if report.dockerfile else 0
    return [each for each in report.findings if each.line is None or not 1 <= each.line <= count]


def _begins(report: Report) -> dict[int, str]:
    """Return the class of each stage at the line of its FROM, as far as text alone says."""
    text = report.dockerfile.text if report.dockerfile else ""
    starts = [
        number
        for number, line in enumerate(text.splitlines(), 1)
        if line.lstrip()[:5].upper() == "FROM "
    ]
    if len(starts) != len(report.stages):
        return {}
    return {line: of_stage(stage.index) for line, stage in zip(starts, report.stages, strict=True)}

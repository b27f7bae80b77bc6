"""The Dockerfile's listing: steps and findings at their lines."""

from __future__ import annotations

import msgspec

import report_rig
from jettison.report.html.source import MOST_LETTERS, MOST_LINES, elsewhere, lines
from jettison.report.model import Dockerfile
from jettison.report.verdict import Finding


def test_each_line_has_its_step_its_stage_and_what_was_found() -> None:
    report = report_rig.sample()
    rows = lines(report)
    assert [row.number for row in rows] == list(range(1, 22))
    assert rows[3].step is report.stages[0].steps[2]
    assert rows[9].text == "    COPY . ."
    assert [finding.id for finding in rows[9].findings] == ["MS701"]
    assert [row.color for row in rows] == ["s0"] * 5 + ["s1"] * 7 + ["s2"] * 3 + ["s3"] * 6


def test_findings_of_no_line_or_of_one_that_is_not_there_are_elsewhere() -> None:
    report = report_rig.sample()
    far = Finding("MS1", "error", "?", 4000)
    report = msgspec.structs.replace(report, findings=(*report.findings, far))
    assert [finding.id for finding in elsewhere(report)] == ["MS507", "MS1"]
    bare = msgspec.structs.replace(report, dockerfile=None)
    assert (lines(bare), elsewhere(bare)) == ([], list(report.findings))


def test_lines_that_only_look_like_stages_give_no_color() -> None:
    report = msgspec.structs.replace(
        report_rig.sample(), dockerfile=Dockerfile("Dockerfile", "FROM a\nRUN <<E\nFROM b\nE\n")
    )
    assert {row.color for row in lines(report)} == {""}


def test_a_huge_source_is_cut() -> None:
    text = "RUN " + "x" * 10**6 + "\n" * 20_000
    report = msgspec.structs.replace(report_rig.sample(), dockerfile=Dockerfile("D", text))
    rows = lines(report)
    assert len(rows) == MOST_LINES
    assert len(rows[0].text) == MOST_LETTERS

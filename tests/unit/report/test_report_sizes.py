"""The size table of ``build --sizes``."""

from __future__ import annotations

from pathlib import Path

import msgspec

from jettison.report.model import Report
from jettison.report.sizes import size_table

SAMPLE = msgspec.json.decode(Path(__file__).with_name("go-scratch.json").read_bytes(), type=Report)


def test_stages_are_rows_in_columns_and_totals_are_below() -> None:
    builder, final = SAMPLE.stages
    unused = msgspec.structs.replace(builder, name="unused", used=False)
    report = msgspec.structs.replace(SAMPLE, stages=(builder, unused, final))
    lines = size_table(report).split("\n")
    assert lines[0].split("  ")[0] == "STAGE"
    assert [line.split()[0] for line in lines[1:4]] == ["builder", "unused", "final"]
    assert lines[1].split() == ["builder", "golang:1.23", "399.8MB", "7.461MB", "392.4MB"]
    assert lines[2].endswith("not needed, not built")
    assert lines[3].split() == ["final", "(final)", "scratch", "7.461MB", "7.461MB", "0B"]
    assert lines[4] == ""
    assert lines[5] == "image with multi-stage:    7.461MB"
    assert lines[6] == "image without multi-stage: 399.8MB (98 % is left behind)"
    assert lines[7:] == [""]


def test_files_of_a_base_image_that_were_copied_have_reached_the_image() -> None:
    stage = msgspec.structs.replace(SAMPLE.stages[0], reached_base=100_000_000)
    report = msgspec.structs.replace(SAMPLE, stages=(stage, SAMPLE.stages[1]))
    assert size_table(report).split("\n")[1].split()[3:] == ["107.5MB", "292.4MB"]


def test_a_single_stage_has_no_comparison() -> None:
    report = msgspec.structs.replace(SAMPLE, counterfactual=None, stages=SAMPLE.stages[1:])
    assert "without multi-stage" not in size_table(report)

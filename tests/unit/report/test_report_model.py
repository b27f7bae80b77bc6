"""The report as a value: its JSON is read back, and its numbers agree with each other."""

from __future__ import annotations

from pathlib import Path

import msgspec

from jettison.report.model import SCHEMA, Report

SAMPLE = Path(__file__).with_name("go-scratch.json")


def test_the_json_of_a_report_is_read_back_as_it_was() -> None:
    report = msgspec.json.decode(SAMPLE.read_bytes(), type=Report)
    assert report.schema == SCHEMA
    assert msgspec.json.decode(msgspec.json.encode(report), type=Report) == report


def test_the_json_of_a_report_has_the_keys_that_are_promised() -> None:
    report = msgspec.json.decode(SAMPLE.read_bytes())
    assert {
        "schema", "image", "stages", "crossings", "counterfactual", "surface", "waste", "findings",
        "cache", "budget", "baseline",
    } <= set(report)  # fmt: skip
    assert set(report["crossings"][0]) >= {"from", "to", "src", "dst", "bytes", "files", "line"}


def test_the_numbers_of_the_sample_agree() -> None:
    report = msgspec.json.decode(SAMPLE.read_bytes(), type=Report)
    for stage in report.stages:
        assert stage.reached + stage.left == stage.added
    assert report.image.shipped - report.image.visible == report.image.wasted
    assert sum(each.bytes for each in report.origins) == report.image.visible

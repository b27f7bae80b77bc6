"""``--report``: what its values mean, and where reports go."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from jettison.api.request import ALL, KNOWN, SUMS
from jettison.cli.report_output import (
    SUMMARY,
    ReportOutputs,
    parse_reports,
    write_reports,
)
from jettison.errors import ExportError, UsageError
from jettison.report.model import Report

SAMPLE = msgspec.json.decode(
    (Path(__file__).parents[1] / "report" / "go-scratch.json").read_bytes(), type=Report
)


def test_values_are_texts_and_files() -> None:
    found = parse_reports(["json=a.json", "md", "full", "html=b.html"])
    assert found == ReportOutputs(
        "full", (("json", "a.json"), ("md", ""), ("html", "b.html")), asked=True
    )
    assert found.wanted == ALL
    assert parse_reports(["json"]).text == "none"
    assert parse_reports(["md", "full"]).wanted == ALL
    assert parse_reports(["md", "brief"]).wanted == SUMS
    assert parse_reports([], "brief").wanted == KNOWN
    assert parse_reports([]).wanted == ""
    assert parse_reports(["none"], "brief").wanted == ""


@pytest.mark.parametrize("value", ["", "xml", "json=", "full=x", "html=", "=x", "brief="])
def test_other_values_are_errors(value: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_reports([value])
    assert caught.value.hint is not None
    assert caught.value.hint.startswith("write ")


def test_reports_go_where_they_are_to_go(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    outputs = parse_reports(
        [
            f"json={tmp_path / 'a.json'}",
            "md",
            f"md={tmp_path / 'b.md'}",
            f"html={tmp_path / 'c.html'}",
            "brief",
        ]
    )
    write_reports(SAMPLE, outputs, {SUMMARY: str(summary)})
    assert msgspec.json.decode((tmp_path / "a.json").read_bytes(), type=Report) == SAMPLE
    assert summary.read_text().startswith("before\n## Image ")
    assert (tmp_path / "b.md").read_text() == summary.read_text().removeprefix("before\n")
    assert (tmp_path / "c.html").read_bytes().startswith(b"<!doctype html>")
    assert capsys.readouterr().out.startswith("app:dev  sha256:")
    write_reports(SAMPLE, parse_reports([f"html={tmp_path / 'c.html'}"]), {})
    assert (tmp_path / "c.html").read_text().startswith("<!doctype html>")
    write_reports(SAMPLE, parse_reports(["md", "full"]), {})
    shown = capsys.readouterr().out
    assert shown.startswith("## Image ")
    assert "\nLayers\n" in shown


def test_json_on_a_terminal_steers_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    image = msgspec.structs.replace(SAMPLE.image, ref="a\x9bb")
    write_reports(msgspec.structs.replace(SAMPLE, image=image), parse_reports(["json"]), {})
    shown = capsys.readouterr().out
    assert "\x9b" not in shown
    assert msgspec.json.decode(shown, type=Report).image.ref == "a\x9bb"


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"cannot write the report to `.*no/where`: No such file"):
        write_reports(SAMPLE, parse_reports([f"json={tmp_path / 'no/where'}"]), {})

"""Findings in all their formats, silenced by comments, and their fixes."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from jettison.errors import ExpansionError, Span
from jettison.findings.finding import Finding, Fix, FixKind, Severity, printable
from jettison.findings.fix import apply_fix, fix_lines
from jettison.findings.form.fingerprint import fingerprints
from jettison.findings.form.github import as_github
from jettison.findings.form.gitlab import as_gitlab
from jettison.findings.form.json import as_json
from jettison.findings.form.place import location
from jettison.findings.form.sarif import as_sarif
from jettison.findings.form.text import as_text
from jettison.findings.options import CheckOptions
from jettison.findings.pages import summary_and_body
from jettison.findings.source import SourceText
from jettison.findings.suppress import Suppressions, codes_of
from jettison.frontend.dockerfile.parser import parse
from jettison.lint.runner import check

LINTED = parse(b"FROM alpine AS Base\nCMD run \\\n  it\n", filename="dir/Docker,file")


def test_text_of_findings_counts_and_quotes():
    text = as_text(check(LINTED), LINTED)
    assert text.startswith(
        "Check complete, 2 warnings have been found!\n\nWARNING: StageNameCasing"
    )
    assert "https://docs.docker.com/go/dockerfile/rule/json-args-recommended/" in text
    assert "   2 | >>> CMD run \\" in text
    assert as_text((), LINTED) == "Check complete, no warnings found.\n"
    assert "1 warning has been found!" in as_text(check(LINTED)[:1], LINTED)


def test_json_of_findings_is_dockers():
    shown = json.loads(as_json(check(LINTED), LINTED))
    warning = shown["warnings"][1]
    assert warning["ruleName"] == "JSONArgsRecommended"
    assert warning["location"] == {"ranges": [{"start": {"line": 2}, "end": {"line": 3}}]}
    assert shown["sources"][0]["filename"] == "dir/Docker,file"


def test_json_of_findings_tells_why_a_file_cannot_be_built():
    error = ExpansionError("no value", span=Span(2, end_line=3))
    shown = json.loads(as_json((), LINTED, error=error))
    assert shown["warnings"] == []
    assert shown["buildError"] == {
        "message": "no value",
        "location": {"ranges": [{"start": {"line": 2}, "end": {"line": 3}}]},
    }
    bare = json.loads(as_json((), LINTED, error=ExpansionError("no")))
    assert bare["buildError"] == {"message": "no"}


def test_sarif_of_findings_refers_to_its_rules():
    log = json.loads(as_sarif(check(LINTED), LINTED, version="1.0"))
    run = log["runs"][0]
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    region = run["results"][1]["locations"][0]["physicalLocation"]["region"]
    assert region == {"startLine": 2, "endLine": 3}


def test_githubs_annotations_escape_their_properties():
    first = as_github(check(LINTED), LINTED).splitlines()[0]
    assert first == (
        "::warning file=dir/Docker%2Cfile,line=1,endLine=1,title=StageNameCasing::"
        "Stage name 'Base' should be lowercase"
    )


BROKEN = Finding(
    "MS304",
    "`/app` will not start",
    Span(2),
    severity=Severity.ERROR,
    path="/app",
    stage="final",
    cause=("needs GLIBC_2.38", "debian has 2.36"),
    fixes=(
        Fix(FixKind.REPLACE, "FROM b", 1),
        Fix(FixKind.ADVICE, "or link it statically"),
    ),
)


def test_text_of_an_error_has_its_cause_and_its_fixes():
    text = as_text([BROKEN, *check(LINTED)], LINTED)
    assert text.startswith("Check complete, 1 error, 2 warnings have been found!")
    assert (
        "ERROR: MS304\n`/app` will not start\n  needs GLIBC_2.38\n  debian has 2.36\n"
        "  fix  replace line 1: FROM b\n  or   or link it statically\n" in text
    )


def test_formats_tell_errors_from_warnings_and_do_without_a_place():
    nowhere = Finding("MS507", "runs as root", None, severity=Severity.NOTE)
    source = SourceText()
    assert as_text([nowhere], source).endswith("NOTE: MS507\nruns as root\n")
    one, other = json.loads(as_json([BROKEN, nowhere], source))["warnings"]
    assert (one["severity"], one["fixes"][0]["kind"], one["path"]) == ("error", "replace", "/app")
    assert "location" not in other
    log = json.loads(as_sarif([BROKEN, nowhere], source, version="1"))["runs"][0]
    assert [each["level"] for each in log["results"]] == ["error", "note"]
    lines = as_github([BROKEN, nowhere], source).splitlines()
    assert [line.split(" ")[0] for line in lines] == ["::error", "::notice"]


def valid_sarif(text: str) -> dict[str, object]:
    schema = json.loads((Path(__file__).parent / "schemas/sarif-2.1.0.schema.json").read_text())
    log = json.loads(text)
    jsonschema.Draft7Validator(schema, format_checker=jsonschema.FormatChecker()).validate(log)
    return log["runs"][0]


def test_sarif_is_valid_whatever_was_found():
    nowhere = Finding("MS507", "runs as root", None, severity=Severity.NOTE)
    inside = Finding(
        "MS502",
        "a key",
        Span(2, end_line=3),
        path="/app/a b%\udcff.pem",
        url="https://example.com/ms502",
        fixes=(
            Fix(FixKind.INSERT, "X", 0),
            Fix(FixKind.DELETE, line=2, end_line=3),
            Fix(FixKind.APPEND, "USER 1"),
        ),
    )
    error = ExpansionError("no value", span=Span(2))
    for source in (LINTED, SourceText("dir/a file", "FROM a\nRUN b\n")):
        findings = [BROKEN, nowhere, printable(inside), *check(LINTED)]
        run = valid_sarif(as_sarif(findings, source, version="1", error=error))
        assert len(run["results"]) == 6
    valid_sarif(as_sarif([], SourceText(), version="1"))


def test_sarif_has_the_file_of_the_image_and_fixes_that_can_be_applied():
    source = SourceText("Dockerfile", "FROM a\nRUN b\n")
    run = valid_sarif(as_sarif([BROKEN], source, version="1"))
    (result,) = run["results"]
    (related,) = result["relatedLocations"]
    assert related["physicalLocation"]["artifactLocation"] == {"uri": "app", "uriBaseId": "IMAGE"}
    assert "needs GLIBC_2.38" in result["message"]["text"]
    (fix,) = result["fixes"]  # advice changes nothing
    (replacement,) = fix["artifactChanges"][0]["replacements"]
    assert replacement == {
        "deletedRegion": {"startLine": 1, "startColumn": 1, "endLine": 2, "endColumn": 1},
        "insertedContent": {"text": "FROM b\n"},
    }
    assert run["tool"]["driver"]["rules"][0]["defaultConfiguration"] == {"level": "error"}


def test_github_s_annotations_have_cause_and_fix():
    line = as_github([BROKEN], LINTED)
    assert line.endswith("will not start%0Aneeds GLIBC_2.38%0Adebian has 2.36%0A"
                         "fix: replace line 1: FROM b\n")  # fmt: skip
    assert line.count("\n") == 1


def test_gitlab_s_report_has_what_gitlab_wants():
    rows = json.loads(as_gitlab([BROKEN, *check(LINTED)], LINTED, error=ExpansionError("no")))
    assert [row["severity"] for row in rows] == ["critical", "major", "major", "blocker"]
    assert rows[0]["location"] == {"path": "dir/Docker,file", "lines": {"begin": 2, "end": 2}}
    assert rows[2]["location"]["lines"] == {"begin": 2, "end": 3}
    assert "needs GLIBC_2.38" in rows[0]["description"]
    assert rows[0]["check_name"] == "MS304"
    assert len({row["fingerprint"] for row in rows}) == 4
    assert json.loads(as_gitlab([], LINTED)) == []


def test_fingerprints_stay_when_lines_move_and_differ_for_equal_findings():
    text = "FROM a\nRUN b\n"
    one = [Finding("R", "x", Span(2)), Finding("R", "x", Span(2))]
    moved = [Finding("R", "y", Span(4)), Finding("R", "y", Span(4))]
    before = list(fingerprints(one, SourceText("D", text)))
    after = list(fingerprints(moved, SourceText("D", f"# hello\n\n{text}")))
    assert before == after
    assert before[0] != before[1]
    other = list(fingerprints(one[:1], SourceText("D", text.replace("b", "c"))))
    assert other[0] != before[0]


@pytest.mark.parametrize(
    ("fix", "expected"),
    [
        (Fix(FixKind.INSERT, "X", 0), "X\nA\nB\nC\n"),
        (Fix(FixKind.INSERT, "X\nY", 2), "A\nB\nX\nY\nC\n"),
        (Fix(FixKind.REPLACE, "X", 1, 2), "X\nC\n"),
        (Fix(FixKind.DELETE, line=3), "A\nB\n"),
        (Fix(FixKind.APPEND, "X"), "A\nB\nC\nX\n"),
        (Fix(FixKind.ADVICE, "think"), "A\nB\nC\n"),
    ],
)
def test_fixes_change_lines(fix, expected):
    assert apply_fix("A\nB\nC", fix) == expected
    assert fix_lines(fix)


def test_comments_and_settings_silence_findings_of_any_kind():
    file = parse(
        b"# jettison global ignore=MS601 it is a test image\n"
        b"FROM a\n# jettison ignore=MS304,MS301 checked elsewhere\nRUN b \\\n c\n"
        b"# hadolint ignore=DL3002\nUSER root\n"
    )
    silent = Suppressions(file, codes_of([("MS507", ["DL3002"])]), CheckOptions(), ["MS103"])

    def hides(rule, line):
        return silent.hides(Finding(rule, "", Span(line) if line else None))

    assert silent.skips("MS601")
    assert silent.skips("MS103")
    assert not silent.skips("MS304")
    assert hides("MS304", 4)
    assert hides("MS301", 5)
    assert not hides("MS304", 2)
    assert hides("MS507", 7)
    assert not hides("MS507", 4)
    assert not hides("MS304", 0)
    assert hides("MS601", 0)


def test_a_place_of_several_lines_has_both_and_one_without_a_line_has_none():
    assert location(None) is None
    assert location(Span(2, end_line=4)) == {"ranges": [{"start": {"line": 2}, "end": {"line": 4}}]}


def test_pages_fence_the_code_of_docstrings():
    class Rule:
        """What it is.

        ## Example
            FROM a
        Words.
        """

    assert summary_and_body(Rule) == (
        "What it is.",
        ["## Example", "", "```dockerfile", "FROM a", "```", "", "Words."],
    )

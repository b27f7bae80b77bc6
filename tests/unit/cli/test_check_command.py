"""``jettison check`` and ``build --call`` print docker's forms and end with docker's statuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jettison.cli.main import run

BAD = "FROM scratch AS A\nARG x=1\n"
GOOD = "FROM scratch AS a\nCOPY . /\n"


@pytest.fixture
def jettison(tmp_path: Path, monkeypatch, capfd):
    monkeypatch.setenv("JETTISON_ROOT", str(tmp_path / "store"))
    place = tmp_path / "context"
    place.mkdir()
    monkeypatch.chdir(place)

    def call(text: str, *argv: str) -> tuple[int, str, str]:
        Path("Dockerfile").write_text(text)
        status = run(argv)
        out, err = capfd.readouterr()
        return status, out, err

    return call


def test_a_good_file_ends_with_0(jettison):
    assert jettison(GOOD, "check") == (0, "Check complete, no warnings found.\n", "")


@pytest.mark.parametrize(
    "argv",
    [
        ("check",),
        ("check", "Dockerfile"),
        ("check", "-f", "Dockerfile", "."),
        ("build", "--check", "."),
        ("build", "--call=check", "."),
        ("build", "--call=lint", "."),
    ],
)
def test_a_finding_is_shown_with_its_place_and_ends_with_1(jettison, argv):
    status, out, err = jettison(BAD, *argv)
    assert (status, err) == (1, "")
    assert out.splitlines()[:5] == [
        "Check complete, 1 warning has been found!",
        "",
        "WARNING: StageNameCasing - https://docs.docker.com/go/dockerfile/rule/stage-name-casing/",
        "Stage name 'A' should be lowercase",
        "",
    ]
    assert "Dockerfile:1" in out


@pytest.mark.parametrize(
    "argv", [("check", "--ignore-status"), ("build", "--call=check,ignorestatus=true", ".")]
)
def test_the_status_can_be_ignored(jettison, argv):
    status, out, _ = jettison(BAD, *argv)
    assert status == 0
    assert "1 warning has been found!" in out


@pytest.mark.parametrize(
    "argv", [("check", "--format", "json"), ("build", "--call=check,format=json", ".")]
)
def test_json_has_dockers_form(jettison, argv):
    status, out, _ = jettison(BAD, *argv)
    document = json.loads(out)
    assert status == 1
    assert document["warnings"][0]["ruleName"] == "StageNameCasing"
    assert document["warnings"][0]["location"]["ranges"][0]["start"]["line"] == 1
    assert document["sources"][0]["filename"] == "Dockerfile"


def test_sarif_and_annotations_name_rule_and_line(jettison):
    _, out, _ = jettison(BAD, "check", "--format", "sarif")
    result = json.loads(out)["runs"][0]["results"][0]
    assert (result["ruleId"], result["level"]) == ("StageNameCasing", "warning")
    _, out, _ = jettison(BAD, "check", "--format", "gitlab")
    assert json.loads(out)[0]["location"]["path"] == "Dockerfile"
    _, out, _ = jettison(BAD, "check", "--format", "github")
    assert out.startswith("::warning file=Dockerfile,line=1,endLine=1,title=StageNameCasing::")


@pytest.mark.parametrize("form", ["text", "json", "sarif", "github", "gitlab"])
def test_a_file_that_cannot_be_built_ends_with_1_in_every_form(jettison, form):
    status, out, err = jettison("FROM scratch\nRUM x\n", "check", "--format", form)
    assert status == 1
    said = err if form == "text" else out
    assert "unknown instruction: RUM" in said
    assert "no warnings found" not in out
    if form in {"json", "sarif", "gitlab"}:
        assert json.loads(out)


def test_outline_and_targets_are_tables_or_json(jettison):
    text = "FROM scratch AS one\n# what it is\nFROM one AS two\nARG V=1\n"
    status, out, _ = jettison(text, "build", "--call=targets", ".")
    assert (status, out.splitlines()[0].split()) == (0, ["TARGET", "DESCRIPTION"])
    assert "two (default)" in out
    _, out, _ = jettison(text, "build", "--call=outline,format=json", ".")
    assert json.loads(out)["args"][0]["name"] == "V"


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("chekc", "--call `chekc` is unknown"),
        ("check,format=xml", "--call `check` has no format `xml`"),
        ("outline,format=sarif", "--call `outline` has no format `sarif`"),
        ("check,colour=red", "unknown option `colour`"),
    ],
)
def test_unknown_methods_are_told(jettison, method, message):
    status, _, err = jettison(GOOD, "build", f"--call={method}", ".")
    assert status == 125
    assert message in err
    assert "hint: " in err


MISSPELT = "FROM scratch AS b\nCOPY . /\nFROM scratch\nCOPY --from=bb /x /\n"
TESTED = "FROM scratch AS b\nCOPY . /\nFROM b AS t\nRUN npm test\nFROM scratch\nCOPY --from=b / /\n"


def test_check_finds_what_docker_does_not_look_for(jettison):
    status, out, _ = jettison(MISSPELT, "check")
    assert status == 1
    assert out.startswith("Check complete, 1 error has been found!\n\nERROR: MS101\n")
    assert "fix  replace line 4: COPY --from=b /x /" in out


def test_notes_leave_the_status_alone(jettison):
    status, out, _ = jettison(TESTED, "check")
    assert (status, "NOTE: MS103" in out) == (0, True)


def test_dockers_check_counts_dockers_rules_and_tells_the_others_beside(jettison):
    status, out, _ = jettison(MISSPELT, "build", "--check", ".")
    assert status == 0
    assert out.startswith("Check complete, no warnings found.\n\nERROR: MS101\n")
    status, out, _ = jettison(MISSPELT, "build", "--call=check,format=json", ".")
    document = json.loads(out)
    assert (status, document["warnings"]) == (0, [])
    assert [each["ruleName"] for each in document["findings"]] == ["MS101"]
    assert "findings" not in json.loads(jettison(GOOD, "build", "--call=check,format=json", ".")[1])


def test_rules_about_stages_explain_themselves(jettison):
    status, out, _ = jettison(GOOD, "check", "--explain", "ms103")
    assert (status, out.startswith("# MS103: ")) == (0, True)


def test_what_the_build_fails_of_is_not_told_twice(jettison):
    status, out, err = jettison("FROM scratch AS a\nCOPY --from=a / /\n", "check")
    assert (status, out) == (1, "")
    assert "a" in err
    assert "MS102" not in err

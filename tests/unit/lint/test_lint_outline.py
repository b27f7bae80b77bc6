"""Outlines, targets, and how they and findings are printed."""

from __future__ import annotations

import base64
import json

import pytest

from jettison.errors import ExpansionError, Span, StageGraphError
from jettison.frontend.dockerfile.parser import parse
from jettison.lint import format as formats
from jettison.lint.file import LintContext
from jettison.lint.outline import outline, targets
from jettison.lint.runner import check

TEXT = """\
# GO is the version of the compiler
ARG GO=1.22
ARG UNUSED=1
ARG SUFFIX
# build compiles it
FROM --platform=$BUILDPLATFORM golang:$GO AS build
# FLAGS are for the linker
ARG FLAGS="-s -w"
ARG SUFFIX
RUN --mount=type=secret,id=token,required --mount=type=ssh make
RUN --mount=type=secret,target=/etc/other --mount=type=secret,id=token make
FROM scratch AS debug
ARG DEBUG=1
FROM scratch
COPY --from=build /a /a
"""
FILE = parse(TEXT.encode())


def test_targets_are_all_stages_with_descriptions():
    found = targets(FILE)
    assert [(each.name, each.base, each.is_default) for each in found] == [
        ("build", "golang:1.22", False),
        ("debug", "scratch", False),
        ("", "scratch", True),
    ]
    assert found[0].description == "compiles it"
    assert found[0].platform == "linux/amd64"
    assert formats.targets_text(found) == (
        "TARGET     DESCRIPTION\nbuild      compiles it\ndebug\n(default)\n"
    )


def test_an_outline_holds_what_the_target_needs():
    found = outline(FILE)
    assert [(each.name, each.value, each.description) for each in found.args] == [
        ("GO", "1.22", "is the version of the compiler"),
        ("SUFFIX", "", ""),
        ("FLAGS", "-s -w", "are for the linker"),
    ]
    assert [(each.name, each.required) for each in found.secrets] == [
        ("token", True),
        ("other", False),
    ]
    assert [(each.name, each.required) for each in found.ssh] == [("default", False)]


def test_an_outline_of_another_target_shows_given_values():
    lint_context = LintContext(target="debug", build_args={"DEBUG": "2"})
    found = outline(FILE, lint_context)
    assert [(each.name, each.value) for each in found.args] == [("DEBUG", "2")]
    assert found.name == "debug"


def test_a_target_may_be_an_index():
    assert outline(FILE, LintContext(target="0")).name == "build"


def test_an_unknown_target_is_an_error_with_a_suggestion():
    with pytest.raises(StageGraphError, match="did you mean build"):
        outline(FILE, LintContext(target="bulid"))


def test_stages_below_and_mounted_ones_belong_to_the_target():
    text = (
        b"FROM scratch AS a\nARG x\nFROM scratch AS b\nARG y\nFROM a\nARG z\n"
        b"RUN --mount=from=b,target=/b --mount=type=nope true\n"
    )
    assert [each.name for each in outline(parse(text)).args] == ["x", "y", "z"]


def test_defaults_that_cannot_be_expanded_are_shown_empty():
    found = outline(parse(b"ARG A=${x:?no}\nFROM alpine:$A\n"))
    assert [(each.name, each.value) for each in found.args] == [("A", "")]


def test_a_file_without_stages_has_no_outline():
    with pytest.raises(StageGraphError, match="no stages"):
        outline(parse(b"ARG a\n"))


def test_defaults_that_use_other_arguments_bring_them_along():
    text = b"ARG A=1\nARG B=$A\nFROM alpine:$B\nCOPY --from=0 a b\n"
    assert [each.name for each in outline(parse(text)).args] == ["A", "B"]


def test_json_of_targets_and_outlines_is_dockers():
    listed = json.loads(formats.targets_json(targets(FILE), FILE))
    assert listed["targets"][0]["location"] == {
        "ranges": [{"start": {"line": 6}, "end": {"line": 6}}]
    }
    assert listed["targets"][2]["default"] is True
    assert base64.b64decode(listed["sources"][0]).decode() == TEXT
    shown = json.loads(formats.outline_json(outline(FILE), FILE))
    assert shown["secrets"][0] == {
        "name": "token",
        "required": True,
        "location": {"ranges": [{"start": {"line": 10}, "end": {"line": 10}}]},
    }
    assert "name" not in shown


def test_text_of_an_outline_is_tables():
    text = formats.outline_text(outline(FILE, LintContext(target="build")))
    assert text.startswith("TARGET:       build\nDESCRIPTION:  compiles it\n\nBUILD ARG")
    assert "token   true\n" in text
    assert text.endswith("SSH      REQUIRED\ndefault\n")


LINTED = parse(b"FROM alpine AS Base\nCMD run \\\n  it\n", filename="dir/Docker,file")


def test_text_of_findings_counts_and_quotes():
    text = formats.as_text(check(LINTED), LINTED)
    assert text.startswith(
        "Check complete, 2 warnings have been found!\n\nWARNING: StageNameCasing"
    )
    assert "https://docs.docker.com/go/dockerfile/rule/json-args-recommended/" in text
    assert "   2 | >>> CMD run \\" in text
    assert formats.as_text((), LINTED) == "Check complete, no warnings found.\n"
    assert "1 warning has been found!" in formats.as_text(check(LINTED)[:1], LINTED)


def test_json_of_findings_is_dockers():
    shown = json.loads(formats.as_json(check(LINTED), LINTED))
    warning = shown["warnings"][1]
    assert warning["ruleName"] == "JSONArgsRecommended"
    assert warning["location"] == {"ranges": [{"start": {"line": 2}, "end": {"line": 3}}]}
    assert shown["sources"][0]["filename"] == "dir/Docker,file"


def test_json_of_findings_tells_why_a_file_cannot_be_built():
    error = ExpansionError("no value", span=Span(2, end_line=3))
    shown = json.loads(formats.as_json((), LINTED, error=error))
    assert shown["warnings"] == []
    assert shown["buildError"] == {
        "message": "no value",
        "location": {"ranges": [{"start": {"line": 2}, "end": {"line": 3}}]},
    }
    bare = json.loads(formats.as_json((), LINTED, error=ExpansionError("no")))
    assert bare["buildError"] == {"message": "no"}


def test_sarif_of_findings_refers_to_its_rules():
    log = json.loads(formats.as_sarif(check(LINTED), LINTED, version="1.0"))
    run = log["runs"][0]
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    region = run["results"][1]["locations"][0]["physicalLocation"]["region"]
    assert region == {"startLine": 2, "endLine": 3}


def test_githubs_annotations_escape_their_properties():
    first = formats.as_github(check(LINTED), LINTED).splitlines()[0]
    assert first == (
        "::warning file=dir/Docker%2Cfile,line=1,endLine=1,title=StageNameCasing::"
        "Stage name 'Base' should be lowercase"
    )

"""Outlines and targets, and how they are printed."""

from __future__ import annotations

import base64
import json

import pytest

from jettison.errors import StageGraphError
from jettison.frontend.dockerfile.parser import parse
from jettison.lint import describe as formats
from jettison.lint.file import LintContext
from jettison.lint.outline import outline, targets

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

"""Rules about FROM: names of stages, keywords, platforms, arguments."""

from __future__ import annotations

import pytest

from jettison.lint.file import ImageFacts
from jettison.lint.rules.duplicate_stage_name import DuplicateStageName
from jettison.lint.rules.from_as_casing import FromAsCasing
from jettison.lint.rules.from_platform_flag_const_disallowed import FromPlatformFlagConstDisallowed
from jettison.lint.rules.invalid_base_image_platform import InvalidBaseImagePlatform
from jettison.lint.rules.invalid_default_arg_in_from import InvalidDefaultArgInFrom
from jettison.lint.rules.redundant_target_platform import RedundantTargetPlatform
from jettison.lint.rules.reserved_stage_name import ReservedStageName
from jettison.lint.rules.stage_name_casing import StageNameCasing
from jettison.lint.rules.undefined_arg_in_from import UndefinedArgInFrom
from jettison.oci.platform import parse_platform

ARM64 = parse_platform("linux/arm64")


def test_every_stage_after_the_first_of_its_name_is_a_duplicate(findings):
    text = "FROM a AS x\nFROM b AS y\nFROM c AS X\nFROM d AS x\nFROM e\nFROM f\n"
    detail = 'Duplicate stage name "x", stage names should be unique'
    assert findings(DuplicateStageName, text) == [(3, detail), (4, detail)]


@pytest.mark.parametrize(
    ("line", "is_found"),
    [
        ("FROM a as b", True),
        ("from a AS b", True),
        ("from a As b", True),
        ("FROM a AS b", False),
        ("from a as b", False),
        ("From a as b", False),
        ("from a", False),
    ],
)
def test_as_follows_the_case_of_from(findings, line, is_found):
    first, word = line.split()[0], line.split()[2] if " b" in line else ""
    expected = [(1, f"'{word}' and '{first}' keywords' casing do not match")] if is_found else []
    assert findings(FromAsCasing, f"{line}\n") == expected


@pytest.mark.parametrize(
    ("line", "constant"),
    [
        ("FROM --platform=linux/amd64 a AS b", "linux/amd64"),
        ("FROM --platform=linux/arm/v7 a", "linux/arm/v7"),
        ("FROM --platform=linux/amd64 a AS b-amd64", ""),
        ("FROM --platform=linux/amd64 a AS on-linux", ""),
        ("FROM --platform=$BUILDPLATFORM a", ""),
        ("FROM --platform=linux/$nothing a", ""),
        ("FROM --platform=no/such/thing/here a", ""),
        ("FROM a", ""),
    ],
)
def test_a_constant_platform_is_found_unless_the_name_says_it(findings, line, constant):
    detail = f'FROM --platform flag should not use constant value "{constant}"'
    expected = [(1, detail)] if constant else []
    assert findings(FromPlatformFlagConstDisallowed, f"{line}\n") == expected


def test_a_base_image_of_another_platform_is_found_where_it_is_pulled(findings):
    facts = ImageFacts(platform=ARM64)
    text = "FROM --platform=linux/arm64 a AS b\nFROM b\nFROM $none\nFROM a\n"
    detail = (
        'Base image a was pulled with platform "linux/arm64", '
        'expected "linux/amd64" for current build'
    )
    found = findings(InvalidBaseImagePlatform, text, image=lambda *_: facts, stages={0, 1, 3})
    assert found == [(4, detail)]
    assert findings(InvalidBaseImagePlatform, text, image=lambda *_: None) == []
    assert findings(InvalidBaseImagePlatform, text) == []


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("ARG v\nFROM a:$v\n", "a:$v"),
        ("ARG n\nFROM ${n}\n", "${n}"),
        ("ARG n=UPPER\nFROM $n\n", "$n"),
        ("FROM ${missing}\n", "${missing}"),
        ("ARG v=1\nFROM a:$v\n", ""),
        ("ARG v\nFROM a:${v:-1}\n", ""),
        ("FROM UPPER\n", ""),  # no argument has to do with it
    ],
)
def test_an_image_name_has_to_be_valid_with_the_defaults(findings, text, word):
    detail = f"Default value for ARG {word} results in empty or invalid base image name"
    found = findings(InvalidDefaultArgInFrom, text, build_args={"v": "1", "n": "a"})
    assert [each for _, each in found] == ([detail] if word else [])


@pytest.mark.parametrize(
    ("platform", "is_found"),
    [
        ("$TARGETPLATFORM", True),
        ("${TARGETPLATFORM}", True),
        ("$TARGETOS/$TARGETARCH", False),
        ("${TARGETPLATFORM}/v8", False),
        ("$BUILDPLATFORM", False),
        ("linux/amd64", False),
    ],
)
def test_the_default_platform_need_not_be_written(findings, platform, is_found):
    detail = (
        f"Setting platform to predefined {platform} in FROM is redundant "
        "as this is the default behavior"
    )
    found = findings(RedundantTargetPlatform, f"FROM --platform={platform} a\n")
    assert found == ([(1, detail)] if is_found else [])


@pytest.mark.parametrize(
    ("name", "reserved"),
    [("scratch", "scratch"), ("CONTEXT", "context"), ("context2", ""), ("a", "")],
)
def test_stages_named_as_what_docker_gives_are_found(findings, name, reserved):
    detail = f'Stage name should not use the same name as reserved stage "{reserved}"'
    found = findings(ReservedStageName, f"FROM a\nFROM b AS {name}\n")
    assert found == ([(2, detail)] if reserved else [])


def test_capitals_in_names_of_stages_are_found(findings):
    text = "FROM a AS Build\nFROM b AS build-2\nFROM C\n"
    assert findings(StageNameCasing, text) == [(1, "Stage name 'Build' should be lowercase")]


def test_arguments_of_from_are_declared_before_the_first_stage(findings):
    text = "ARG base=a\nFROM $base\nARG later=1\nFROM --platform=$plat b:$later$base$bas\n"
    assert findings(UndefinedArgInFrom, text) == [
        (4, "FROM argument 'bas' is not declared (did you mean base?)"),
        (4, "FROM argument 'later' is not declared"),
        (4, "FROM argument 'plat' is not declared"),
    ]
    assert findings(UndefinedArgInFrom, "ARG empty\nFROM a:$empty\nFROM $TARGETARCH\n") == []

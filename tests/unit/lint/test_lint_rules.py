"""What each rule finds beyond the corpus, and what it leaves alone."""

from __future__ import annotations

import inspect

import pytest

from jettison.frontend.dockerfile.parser import parse
from jettison.lint.file import ImageFacts, LintContext
from jettison.lint.registry import OWN_RULES, RULES
from jettison.lint.runner import check
from jettison.oci.platform import parse_platform

AMD64 = parse_platform("linux/amd64")
ARM64 = parse_platform("linux/arm64")


def found(text: str, **lint_context) -> list[tuple[str, int]]:
    return [
        (each.rule, each.span.line)
        for each in check(parse(text.encode()), LintContext(**lint_context))
    ]


def details(text: str, **lint_context) -> list[str]:
    return [each.detail for each in check(parse(text.encode()), LintContext(**lint_context))]


ALL = (*RULES, *OWN_RULES)


@pytest.mark.parametrize("rule", ALL, ids=lambda rule: rule.name)
def test_every_rule_explains_itself(rule):
    text = inspect.getdoc(type(rule))
    headings = ["## What it does", "## Why is this bad", "## Example", "## Use instead"]
    positions = [text.index(heading) for heading in headings]
    assert positions == sorted(positions)
    assert rule.description[-1] != "."


def image_of_its_name(reference: str, _platform: object) -> ImageFacts:
    return ImageFacts(platform=ARM64 if reference.startswith("arm64v8/") else AMD64)


def section(rule, heading: str) -> str:
    text = inspect.getdoc(type(rule)).split(f"## {heading}\n")[1].split("\n\n## ")[0]
    return inspect.cleandoc(text)


def in_a_file(snippet: str) -> str:
    return (
        snippet
        if snippet.startswith(("FROM", "ARG VERSION", "ARG TAG", "#"))
        else f"FROM scratch\n{snippet}"
    )


@pytest.mark.parametrize("rule", ALL, ids=lambda rule: rule.name)
def test_every_rule_finds_its_example_and_accepts_what_to_use_instead(rule):
    lint_context = LintContext(
        platform=AMD64,
        image=None if rule in OWN_RULES else image_of_its_name,
        is_ignored=lambda path: path.startswith("./tmp/"),
    )

    def names(heading: str) -> list[str]:
        lines = in_a_file(section(rule, heading)) + "\n"
        if rule.experimental:
            lines = f"# check=experimental={rule.name}\n\n{lines}FROM scratch\n"
        found = check(parse(lines.encode()), lint_context, own=True)
        return [each.rule for each in found if each.rule[:2] != "MS" or rule in OWN_RULES]

    assert rule.name in names("Example")
    assert rule.name not in names("Use instead")


def test_every_rule_name_gives_its_page():
    pages = {rule.name: rule.finding("", None).url.rsplit("/", 2)[1:2] for rule in RULES}
    assert pages["JSONArgsRecommended"] == ["json-args-recommended"]
    assert pages["SecretsUsedInArgOrEnv"] == ["secrets-used-in-arg-or-env"]
    assert pages["InvalidBaseImagePlatform"] == []


def test_a_tie_of_cases_is_upper_case():
    assert details("FROM scratch\ncopy a b\n") == [
        "Command 'copy' should match the case of the command majority (uppercase)"
    ]


def test_mixed_case_never_matches_any_majority():
    text = "from scratch\ncopy a b\nCopy a b\n"
    assert details(text) == [
        "Command 'Copy' should match the case of the command majority (lowercase)"
    ]


def test_reserved_names_are_found_in_any_case():
    assert ("ReservedStageName", 1) in found("FROM alpine AS Context\n")


def test_an_undeclared_argument_suggests_a_declared_one():
    assert details("ARG VERSION=1\nFROM alpine:$VERSOIN\n") == [
        "FROM argument 'VERSOIN' is not declared (did you mean VERSION?)",
        "Default value for ARG alpine:$VERSOIN results in empty or invalid base image name",
    ]


def test_an_undefined_variable_suggests_one_that_is_known():
    assert details("FROM scratch\nENV CACHE_DIR=/c\nWORKDIR $CACH_DIR/x\n")[0] == (
        "Usage of undefined variable '$CACH_DIR' (did you mean $CACHE_DIR?)"
    )


def test_variables_of_the_base_image_are_known():
    text = "FROM python\nENV PATH=$PYTHON_HOME/bin:$PATH\n"
    image = lambda *_: ImageFacts(environment=("PYTHON_HOME=/usr",))  # noqa: E731
    assert found(text, image=image) == []


def test_stages_on_an_image_of_unknown_config_have_no_undefined_variables():
    assert found("FROM python AS a\nENV A=$B\nFROM a\nENV C=$D\n") == []


def test_a_stage_knows_the_variables_of_the_stage_below():
    assert found("FROM scratch AS a\nARG v=1\nENV w=2\nFROM a\nENV x=$v$w\n") == []


def test_each_instruction_sees_the_variables_before_it_only():
    assert details("FROM scratch\nENV a=1 b=$a\n") == ["Usage of undefined variable '$a'"]


@pytest.mark.parametrize(
    "instruction",
    [
        "LABEL a=$x",
        "COPY $x /",
        "COPY a $x/",
        "COPY --chown=$x a /",
        "ADD --checksum=$x http://a/b /",
        "USER $x",
        "STOPSIGNAL $x",
        "VOLUME /$x",
        "ARG a=$x",
        "RUN --mount=type=cache,target=/$x true",
        "COPY <<EOF /f\n$x\nEOF",
    ],
)
def test_undefined_variables_are_found_wherever_they_are_expanded(instruction):
    assert found(f"FROM scratch\n{instruction}\n") == [("UndefinedVar", 2)]


@pytest.mark.parametrize(
    "instruction",
    ["RUN echo $x", 'CMD ["$x"]', "COPY <<'EOF' /f\n$x\nEOF", "LABEL a='$x'", "ENV a=\\$x"],
)
def test_what_is_not_expanded_has_no_undefined_variables(instruction):
    assert found(f"FROM scratch\n{instruction}\n") == []


def test_the_platform_of_a_base_image_must_be_the_wanted_one():
    image = lambda *_: ImageFacts(platform=ARM64)  # noqa: E731
    assert details("FROM alpine\n", image=image, platform=AMD64) == [
        'Base image alpine was pulled with platform "linux/arm64", expected "linux/amd64" for current build'
    ]
    assert found("FROM --platform=$BUILDPLATFORM alpine\n", image=image, build_platform=ARM64) == []


def test_a_shell_of_the_base_image_allows_the_shell_form():
    image = lambda *_: ImageFacts(has_shell=True)  # noqa: E731
    assert found("FROM windows AS a\nFROM a\nCMD run it\n", image=image) == []


@pytest.mark.parametrize(
    ("name", "is_secret"),
    [
        ("API_TOKEN", True),
        ("password", True),
        ("Git_Auth", True),
        ("PUBLIC_KEY", False),
        ("TOKEN_FILE", False),
        ("KEYBOARD", False),
        ("MONKEY", False),
    ],
)
def test_secrets_are_known_by_the_words_of_a_name(name, is_secret):
    expected = [("SecretsUsedInArgOrEnv", 3), ("SecretsUsedInArgOrEnv", 4)] if is_secret else []
    text = f"ARG {name}\nFROM scratch\nENV {name}=1\nARG {name}\n"
    assert found(text) == expected  # a global ARG is in no image


def test_copies_between_stages_and_from_urls_are_not_in_the_ignore_file():
    text = "FROM scratch AS a\nFROM scratch\nCOPY --from=a x /\nADD https://e.org/x /\nADD x /\n"
    assert details(text, is_ignored=lambda _: True) == [
        'Attempting to Add file "x" that is excluded by .dockerignore'
    ]


def test_a_platform_that_is_none_is_left_to_the_build():
    assert found("FROM --platform=a/b/c/d alpine\n") == []


def test_suggestions_do_not_depend_on_the_order_of_sets():
    text = "FROM scratch\nARG ab1=1\nARG ab2=2\nARG ab3=3\nWORKDIR /$ab\n"
    assert details(text) == ["Usage of undefined variable '$ab' (did you mean $ab1?)"]


def test_arguments_without_a_value_are_not_offered():
    text = "ARG empty\nFROM scratch\nARG ab1\nWORKDIR /$ab$empt\n"
    assert details(text) == [
        "Usage of undefined variable '$ab'",
        "Usage of undefined variable '$empt'",
    ]


def test_only_the_stages_asked_for_are_checked():
    text = "FROM alpine AS a\nCMD x\nFROM alpine AS b\nCMD y\n"
    assert found(text, stages={1}) == [("JSONArgsRecommended", 4)]


def test_ports_in_variables_are_checked_after_expansion():
    text = 'FROM scratch\nARG p="1/TCP 2:3"\nEXPOSE $p\n'
    assert found(text) == [("ExposeProtoCasing", 3), ("ExposeInvalidFormat", 3)]


def test_descriptions_are_checked_only_on_request():
    text = "# about nothing\nFROM scratch AS base\n# b is for bar\n# more\nARG foo bar\n"
    assert found(text) == []
    asked = f"# check=experimental=all\n\n{text}"
    assert details(asked) == [
        "Comment for FROM should follow the format: `# base <description>`",
        "Comment for ARG should follow the format: `# <arg_key> <description>`",
    ]


def test_a_file_whose_expansions_fail_is_left_to_the_build():
    text = "ARG a=${x:?no}\nFROM ${y:?no}\nARG b=${z:?no}\nENV c=${z:?no} d='\nWORKDIR ${}\n"
    assert [rule for rule, _ in found(text)] == ["WorkdirRelativePath"]


TRIGGERS = (
    "ARG DB_PSW",
    "ENV a b",
    "COPY $x .dockerignore.d /",
    "WORKDIR sub",
    "EXPOSE 80/TCP",
    "CMD run",
    "CMD again",
)
IN_TRIGGERS = [
    "SecretsUsedInArgOrEnv",
    "LegacyKeyValueFormat",
    "UndefinedVar",
    "CopyIgnoredFile",
    "WorkdirRelativePath",
    "ExposeProtoCasing",
    "JSONArgsRecommended",
    "JSONArgsRecommended",
    "MultipleInstructionsDisallowed",
]


def image_with_triggers(*_):
    return ImageFacts(on_build=(*TRIGGERS, "NOSUCH x", "RUN --nosuch y"))


@pytest.mark.parametrize("switch", ["", "0", "no"])
def test_triggers_of_the_base_image_are_checked_where_they_run(switch):
    text = "\n\nFROM base\nRUN true\n"
    lint_context = {
        "image": image_with_triggers,
        "is_ignored": lambda path: path.startswith(".docker"),
        "build_args": {"BUILDKIT_DISABLE_ONBUILD": switch},
    }
    rules = found(text, **lint_context)
    assert sorted(rules) == sorted((rule, 3) for rule in IN_TRIGGERS)


@pytest.mark.parametrize("switch", ["1", "true", "T"])
def test_triggers_that_do_not_run_are_not_checked(switch):
    build_args = {"BUILDKIT_DISABLE_ONBUILD": switch}
    assert found("FROM base\n", image=image_with_triggers, build_args=build_args) == []
    text = "FROM scratch AS a\nONBUILD COPY $x /\nFROM a\n"
    assert found(text, build_args=build_args) == []
    assert found(text) == [("UndefinedVar", 3)]


def test_what_triggers_declare_counts_for_the_instructions_below():
    def image(*_):
        return ImageFacts(on_build=("ARG v=1", "WORKDIR /w", 'SHELL ["sh"]'))

    assert found("FROM base\nCOPY $v /\nWORKDIR x\nCMD y\n", image=image) == []


def test_onbuild_instructions_are_checked_where_they_stand():
    text = """FROM scratch
ONBUILD ENV a b
ONBUILD ARG DB_PASSWORD
ONBUILD EXPOSE 80/TCP
ONBUILD CMD run
ONBUILD WORKDIR sub
ONBUILD COPY $anything /
ONBUILD EXPOSE 1.2.3.4:80:80
"""
    assert found(text, image=lambda *_: ImageFacts()) == [
        ("LegacyKeyValueFormat", 2),
        ("SecretsUsedInArgOrEnv", 3),
        ("ExposeProtoCasing", 4),
        ("JSONArgsRecommended", 5),
        ("WorkdirRelativePath", 6),
        ("ExposeInvalidFormat", 8),
    ]
    settled = 'FROM scratch\nWORKDIR /w\nSHELL ["x"]\nONBUILD WORKDIR s\nONBUILD CMD run\n'
    assert found(settled, image=lambda *_: ImageFacts()) == []


@pytest.mark.parametrize("name", ["PSW", "DB_PSW", "psw_main"])
def test_psw_is_a_secret(name):
    assert found(f"FROM scratch\nARG {name}\n") == [("SecretsUsedInArgOrEnv", 2)]
    assert found(f"FROM scratch\nARG {name}_FILE\nENV CAPSW=1\n") == []


def test_instructions_of_stages_that_are_not_checked_are_left_alone():
    text = "ARG G_TOKEN\nFROM scratch AS a\nENV TOKEN x\nFROM scratch\nENV TOKEN x\n"
    assert found(text, stages={1}) == [("LegacyKeyValueFormat", 5), ("SecretsUsedInArgOrEnv", 5)]

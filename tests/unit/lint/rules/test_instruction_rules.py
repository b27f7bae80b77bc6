"""Rules about the instructions of a stage, and about the text of a file."""

from __future__ import annotations

import pytest

from jettison.lint.file import ImageFacts
from jettison.lint.rules.consistent_instruction_casing import ConsistentInstructionCasing
from jettison.lint.rules.copy_ignored_file import CopyIgnoredFile
from jettison.lint.rules.expose_invalid_format import ExposeInvalidFormat
from jettison.lint.rules.expose_proto_casing import ExposeProtoCasing
from jettison.lint.rules.invalid_definition_description import InvalidDefinitionDescription
from jettison.lint.rules.json_args_recommended import JSONArgsRecommended
from jettison.lint.rules.legacy_key_value_format import LegacyKeyValueFormat
from jettison.lint.rules.maintainer_deprecated import MaintainerDeprecated
from jettison.lint.rules.multiple_instructions_disallowed import MultipleInstructionsDisallowed
from jettison.lint.rules.no_empty_continuation import NoEmptyContinuation
from jettison.lint.rules.secrets_used_in_arg_or_env import SecretsUsedInArgOrEnv
from jettison.lint.rules.undefined_var import UndefinedVar
from jettison.lint.rules.workdir_relative_path import WorkdirRelativePath


@pytest.mark.parametrize(
    ("keywords", "wrong", "majority"),
    [
        ("FROM RUN run", ["run"], "uppercase"),
        ("from run RUN", ["RUN"], "lowercase"),
        ("FROM run", ["run"], "uppercase"),  # a tie
        ("From Run", ["From", "Run"], "uppercase"),
        ("from run copy", [], ""),
    ],
)
def test_keywords_are_in_the_case_of_the_majority(findings, keywords, wrong, majority):
    lines = [f"{word} a" if word.lower() == "from" else f"{word} a b" for word in keywords.split()]
    text = "\n".join(lines)
    details = [detail for _, detail in findings(ConsistentInstructionCasing, text)]
    assert details == [
        f"Command '{word}' should match the case of the command majority ({majority})"
        for word in wrong
    ]


def test_a_global_argument_counts_for_no_majority(findings):
    assert findings(ConsistentInstructionCasing, "arg a\narg b\narg c\nFROM x\nRUN y\n") == []


def test_sources_in_the_context_must_not_be_ignored(findings):
    text = (
        "FROM scratch AS a\nARG d=dist\nCOPY $d/x keep /\nADD y http://h/y git@h:r /\n"
        "COPY --from=a y /\n"
    )
    detail = 'Attempting to {} file "{}" that is excluded by .dockerignore'
    assert findings(CopyIgnoredFile, text, is_ignored=lambda path: path != "keep") == [
        (3, detail.format("Copy", "dist/x")),
        (4, detail.format("Add", "y")),
    ]
    assert findings(CopyIgnoredFile, text) == []  # there is no ignore file


@pytest.mark.parametrize("port", ["127.0.0.1:80:80", "80:80", "[::1]:80:80/tcp"])
def test_ports_have_no_address_and_no_port_of_the_host(findings, port):
    expected = (
        f"EXPOSE instruction should not define an IP address or host-port mapping, found '{port}'"
    )
    assert findings(ExposeInvalidFormat, f"FROM a\nEXPOSE 80 {port} 90-99/udp\n") == [(2, expected)]


@pytest.mark.parametrize(
    ("port", "is_found"), [("80/TCP", True), ("80/Udp", True), ("80/tcp", False), ("80", False)]
)
def test_protocols_are_lower_case(findings, port, is_found):
    detail = f"Defined protocol '{port}' in EXPOSE instruction should be lowercase"
    assert findings(ExposeProtoCasing, f"FROM a\nEXPOSE {port}\n") == (
        [(2, detail)] if is_found else []
    )


@pytest.mark.parametrize(
    ("text", "example"),
    [
        ("# what for\nARG a\nFROM x\n", "ARG should follow the format: `# a <description>`"),
        (
            "# what for\nARG a b\nFROM x\n",
            "ARG should follow the format: `# <arg_key> <description>`",
        ),
        ("# b is it\nARG a b\nFROM x\n", ""),
        ("# what for\n\n# a is it\nARG a\nFROM x\n", ""),
        ("# no name\nFROM x\n", ""),
        ("# x\nFROM x AS y\n", "FROM should follow the format: `# y <description>`"),
    ],
)
def test_comments_above_definitions_begin_with_their_names(findings, text, example):
    details = [detail for _, detail in findings(InvalidDefinitionDescription, text)]
    assert details == ([f"Comment for {example}"] if example else [])


@pytest.mark.parametrize(
    ("text", "keywords"),
    [
        ("FROM a\nCMD run\nENTRYPOINT run\n", ["CMD", "ENTRYPOINT"]),
        ('FROM a\nCMD ["run"]\nRUN run\n', []),
        ('FROM a\nSHELL ["sh"]\nCMD run\n', []),
        ('FROM a\nCMD run\nSHELL ["sh"]\n', ["CMD"]),
        ('FROM a AS b\nSHELL ["sh"]\nFROM b\nCMD run\nFROM a\nONBUILD cmd run\n', ["cmd"]),
    ],
)
def test_what_a_container_runs_is_a_list_where_no_shell_is_chosen(findings, text, keywords):
    assert [detail.split()[4] for _, detail in findings(JSONArgsRecommended, text)] == keywords


def test_a_shell_of_the_base_image_is_a_choice(findings):
    image = lambda *_: ImageFacts(has_shell=True)  # noqa: E731
    assert findings(JSONArgsRecommended, "FROM a\nCMD run\n", image=image) == []


@pytest.mark.parametrize(
    ("instruction", "name"),
    [("ENV a b c", "ENV"), ("LABEL a b", "LABEL"), ("ONBUILD ENV a b", "ENV")],
)
def test_pairs_are_written_with_an_equals_sign(findings, instruction, name):
    detail = f'"{name} key=value" should be used instead of legacy "{name} key value" format'
    text = f"FROM a\n{instruction}\nENV c=d\n"
    assert findings(LegacyKeyValueFormat, text) == [(2, detail)]


def test_a_maintainer_is_a_label(findings):
    detail = "Maintainer instruction is deprecated in favor of using label"
    text = "FROM a\nMAINTAINER somebody\nLABEL maintainer=somebody\n"
    assert findings(MaintainerDeprecated, text) == [(2, detail)]


def test_of_each_kind_only_the_last_counts(findings):
    text = (
        "FROM a\nCMD one\nENTRYPOINT e\ncmd two\nHEALTHCHECK NONE\nCMD three\nHEALTHCHECK CMD x\n"
        "FROM b\nCMD four\n"
    )
    found = findings(MultipleInstructionsDisallowed, text)
    assert [(line, detail.split()[1]) for line, detail in found] == [
        (2, "cmd"),
        (4, "CMD"),
        (5, "HEALTHCHECK"),
    ]


def test_an_empty_line_in_a_continuation_is_found_at_the_end_of_it(findings):
    text = "FROM a\nRUN one \\\n\n  two\nRUN one \\\n# a comment\n  two\n"
    assert findings(NoEmptyContinuation, text) == [(4, "Empty continuation line")]


def test_secrets_are_found_in_each_pair_and_in_triggers(findings):
    text = "FROM a\nENV a=1 DB_PASSWORD=x API_KEY=y\nARG token public_key\nONBUILD ENV SECRET=1\n"
    detail = "Do not use ARG or ENV instructions for sensitive data "
    assert findings(SecretsUsedInArgOrEnv, text) == [
        (2, detail + '(ENV "DB_PASSWORD")'),
        (2, detail + '(ENV "API_KEY")'),
        (3, detail + '(ARG "token")'),
        (4, detail + '(ENV "SECRET")'),
    ]


def test_variables_are_defined_above(findings):
    """A default defines none, as with BuildKit."""
    text = "FROM scratch\nENV v=$b\nENV b=1\nENV c=$b\nWORKDIR /$PATHS/${d:-x}\n"
    assert findings(UndefinedVar, text) == [
        (2, "Usage of undefined variable '$b'"),
        (5, "Usage of undefined variable '$PATHS' (did you mean $PATH?)"),
        (5, "Usage of undefined variable '$d' (did you mean $v?)"),
    ]
    assert findings(UndefinedVar, text.replace("scratch", "unknown")) == []


@pytest.mark.parametrize(
    ("lines", "path"),
    [
        ("WORKDIR a\nWORKDIR b\n", "a"),
        ("ENV d=x\nWORKDIR $d/y\n", "x/y"),
        ("WORKDIR /a\nWORKDIR b\n", ""),
        ("ONBUILD WORKDIR /a\nWORKDIR b\n", "b"),  # the trigger runs elsewhere
    ],
)
def test_the_first_working_directory_is_absolute(findings, lines, path):
    detail = f'Relative workdir "{path}" can have unexpected results if the base image changes'
    found = [detail for _, detail in findings(WorkdirRelativePath, f"FROM scratch\n{lines}")]
    assert found == ([detail] if path else [])


def test_a_stage_below_has_set_the_working_directory(findings):
    text = "FROM scratch AS a\nWORKDIR /a\nFROM a\nWORKDIR b\n"
    assert findings(WorkdirRelativePath, text) == []

"""Names of steps, for people."""

from __future__ import annotations

import pytest

from jettison.frontend.dockerfile.names import StepNames, heredoc_summary, shown


def test_steps_are_counted_in_a_column_of_one_width():
    names = StepNames("b", 10)
    assert names.next("FROM x") == "[b  1/10] FROM x"
    for _ in range(8):
        names.next("RUN x")
    assert names.next("RUN x", on_build=True) == "[b 10/10] ONBUILD RUN x"


def test_an_only_stage_has_no_label():
    assert StepNames("", 1).next("FROM x") == "[1/1] FROM x"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("run echo $A ${A} $AB ${B:-x}", "RUN echo 1 1 $AB ${B:-x}"),
        (r"RUN echo \$A '$A' \\$A", r"RUN echo \$A '$A' \\1"),
        ("RUN echo $S ${S}", "RUN echo **** ****"),
        ("$A", "$A"),
        ("copy https://u:p@h/x /", "COPY https://xxxxx:xxxxx@h/x /"),
        ("RUN $U", "RUN https://xxxxx:xxxxx@h"),
    ],
)
def test_variables_are_put_in_and_secrets_are_not(text, name):
    values = {"A": "1", "S": "hidden", "U": "https://u:p@h"}
    assert shown(text, values, frozenset({"S"})) == name


def test_long_values_are_put_in_up_to_a_limit():
    name = shown("RUN " + "$A" * 100, {"A": "x" * 1000})
    assert name == "RUN " + "x" * 65_000 + "$A" * 35


@pytest.mark.parametrize(
    ("content", "summary"),
    [("one\n", "one"), ("\n\none\r\ntwo\n", "one..."), ("one\n \n", "one"), ("", "")],
)
def test_a_heredoc_is_its_first_line(content, summary):
    assert heredoc_summary(content) == summary

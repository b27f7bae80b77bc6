"""Tokens as a tree."""

from __future__ import annotations

import pytest

from jettison.console.template.errors import execution_error, parse_error
from jettison.console.template.nodes import (
    Action,
    Branch,
    Chain,
    Field,
    Jump,
    Literal,
    Text,
    Variable,
)
from jettison.console.template.parser import parse
from jettison.errors import UsageError

FUNCTIONS = {"len", "json", "join"}


def only(text: str):
    (node,) = parse(text, FUNCTIONS)[""]
    return node


def test_text_and_actions_follow_each_other():
    text, action = parse("a{{.B.C}}", FUNCTIONS)[""]
    assert text == Text("a")
    (command,) = action.pipeline.commands
    (field,) = command.operands
    assert isinstance(action, Action)
    assert isinstance(field, Field)
    assert field.names == ("B", "C")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('"a\\tb\\x41\\u00e9\\101"', "a\tbA\u00e9A"),
        ("`a\\n`", "a\\n"),
        ("'a'", 97),
        ("0x1F", 31),
        ("-7", -7),
        ("1_000", 1000),
        ("1.5e3", 1500.0),
        ("true", True),
    ],
)
def test_constants_are_go_s(text, value):
    (operand,) = (
        only(f"{{{{print_ {text}}}}}".replace("print_", "json")).pipeline.commands[0].operands[1:]
    )
    assert isinstance(operand, Literal)
    assert operand.value == value
    assert type(operand.value) is type(value)


def test_pipelines_and_variables_are_shown_as_they_are_written():
    node = only("{{$a := .B | json | len}}")
    assert node.pipeline.shown == "$a := .B | json | len"
    assert (node.pipeline.variables, node.pipeline.declares) == (("$a",), True)
    chain = only("{{(json .A).B}}").pipeline.commands[0].operands[0]
    assert isinstance(chain, Chain)
    assert chain.shown == "(json .A).B"


def test_branches_hold_their_bodies():
    node = only("{{range $i, $e := .A}}{{$e.B}}{{break}}{{else}}none{{end}}")
    assert isinstance(node, Branch)
    assert (node.keyword, node.pipeline.variables) == ("range", ("$i", "$e"))
    assert node.body[1] == Jump("break")
    assert node.otherwise == (Text("none"),)
    (shown,) = node.body[0].pipeline.commands[0].operands
    assert isinstance(shown, Variable)
    chained = only("{{if .A}}a{{else if .B}}b{{end}}")
    assert isinstance(chained.otherwise[0], Branch)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{{}}", "missing value for command"),
        ("{{nosuch}}", 'function "nosuch" not defined'),
        ("{{$x}}", 'undefined variable "$x"'),
        ("{{end}}", "unexpected {{end}}"),
        ("{{if .A}}", "unexpected EOF"),
        ("{{break}}", "{{break}} outside {{range}}"),
    ],
)
def test_what_is_no_template_is_an_error_in_go_s_words(text, problem):
    with pytest.raises(UsageError) as caught:
        parse(text, FUNCTIONS)
    assert caught.value.message == f"template parsing error: template: :1: {problem}"
    assert caught.value.hint == parse_error("", 1).hint


def test_nesting_without_end_is_an_error_and_no_overflow():
    for text in ("{{" + "(" * 5000, "{{if .A}}" * 5000):
        with pytest.raises(UsageError):
            parse(text, FUNCTIONS)


def test_an_error_while_printing_has_its_place():
    assert execution_error("no such field", 3, 5, ".A").message == (
        'template parsing error: template: :3:5: executing "" at <.A>: no such field'
    )

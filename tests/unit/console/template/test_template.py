"""Templates of ``--format``: what docker prints for them, and that none does harm."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jettison.cli.documents import image_document
from jettison.console.template.evaluate import Template
from jettison.console.template.functions import NAMES
from jettison.console.template.values import Row
from jettison.errors import UsageError

DOCKER = json.loads((Path(__file__).parent / "docker.json").read_text())
MORE = json.loads((Path(__file__).parent / "docker_more.json").read_text())
"""Templates inside templates, and verbs of printf."""
DOCUMENT = image_document(DOCKER["document"])


def rendered(text: str, data: object) -> str:
    """Return what a template makes, or the text of its error."""
    try:
        return Template(text).render(data)
    except UsageError as error:
        return str(error)


@pytest.mark.parametrize(("text", "expected"), DOCKER["cases"], ids=lambda value: value[:40])
def test_a_template_makes_what_docker_makes_of_it(text: str, expected: str) -> None:
    assert rendered(text, DOCUMENT) == expected


@pytest.mark.parametrize(("text", "expected"), MORE["cases"], ids=lambda value: value[:40])
def test_templates_in_templates_and_formats_make_what_docker_makes_of_them(
    text: str, expected: str
) -> None:
    assert rendered(text, image_document(MORE["document"])) == expected


@pytest.mark.parametrize(
    "text",
    [
        '{{define "x"}}{{template "x"}}{{end}}{{template "x"}}',
        f'{{{{define "x"}}}}{"{{if true}}" * 90}{{{{template "x"}}}}{"{{end}}" * 91}{{{{template "x"}}}}',
    ],
    ids=["calls", "branches and calls"],
)
def test_templates_that_call_themselves_are_errors(text: str) -> None:
    said = rendered(text, None)
    assert "exceeded maximum template depth" in said or "is too deep" in said


def test_there_are_cases_for_every_function() -> None:
    texts = "\n".join(text for text, _ in DOCKER["cases"])
    assert {name for name in NAMES if f"{name} " in texts or f"{name}}}" in texts} == NAMES


def test_a_field_that_rows_lack_is_an_error_with_their_type() -> None:
    row = Row("*formatter.imageContext", {"Tag": "v1"})
    assert rendered("{{.Tag}}", row) == "v1"
    assert rendered("{{.Nope}}", row) == (
        'template parsing error: template: :1:2: executing "" at <.Nope>:'
        " can't evaluate field Nope in type *formatter.imageContext"
    )
    assert rendered("{{.Tag.Nope}}", row).endswith("can't evaluate field Nope in type string")


@pytest.mark.parametrize(
    ("text", "heading"),
    [
        ("{{json .ID}}", "IMAGE ID"),
        ("{{lower .ID}}", "image id"),
        ("{{truncate .ID 3}}", "IMAGE ID"),
    ],
)
def test_functions_of_values_leave_titles_as_they_are(text: str, heading: str) -> None:
    assert Template(text).render(Row("t", {"ID": "IMAGE ID"}), heading=True) == heading


def test_json_is_not_escaped_for_html_and_has_sorted_names() -> None:
    data = {"b": "<&>", "a": ["\u2028", None, 1, True, 1.5]}
    assert rendered("{{json .}}", data) == '{"a":["\\u2028",null,1,true,1.5],"b":"<&>"}'


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1.0, "1"),
        (0.1, "0.1"),
        (1e21, "1e+21"),
        (123456789.0, "1.23456789e+08"),
        (1e-7, "1e-07"),
        (float("inf"), "+Inf"),
        (float("nan"), "NaN"),
        (None, "<no value>"),
        ({"b": None, "a": [1, "x"]}, "map[a:[1 x] b:<nil>]"),
    ],
)
def test_values_are_printed_as_go_prints_them(value: object, shown: str) -> None:
    assert rendered("{{.}}", value) == shown


@pytest.mark.parametrize(
    "text",
    ["{{" + "(" * 5000 + ".", "{{if .}}" * 5000, "{{." + "A." * 5000 + "}}", "{{" * 5000],
    ids=["parentheses", "branches", "fields", "braces"],
)
def test_deep_templates_are_errors_and_no_more(text: str) -> None:
    assert rendered(text, DOCUMENT).startswith("template parsing error: ")


def test_much_text_is_an_error() -> None:
    big = '{{range 8192}}{{printf "%9999s" "x"}}{{end}}'
    assert "more than 64 MiB" in rendered(big, None)


PIECES = st.sampled_from(
    [
        "{{",
        "}}",
        "{{-",
        "-}}",
        " ",
        ".",
        ".Os",
        ".Config",
        ".Env",
        "$",
        "$x",
        ":=",
        "=",
        "|",
        "(",
        ")",
        "range ",
        "if ",
        "with ",
        "else",
        "end",
        "break",
        "nil",
        "true",
        '"a"',
        "`b`",
        "'c'",
        "1",
        "-2",
        "0x1",
        "1.5",
        ",",
        "\n",
        "/*",
        "*/",
        "text",
        *(f"{name} " for name in sorted(NAMES)),
    ]
)


@given(st.lists(PIECES, max_size=25).map("".join) | st.text(max_size=40))
@settings(max_examples=1500, deadline=None)
def test_any_text_is_a_template_or_an_error(text: str) -> None:
    assert isinstance(rendered("{{" + text, DOCUMENT), str)
    assert isinstance(rendered(text, DOCUMENT), str)

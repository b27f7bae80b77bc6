"""Lists as tables, JSON and templates."""

from __future__ import annotations

import pytest

from jettison.cli.listing import Listing, printable_lines
from jettison.errors import UsageError

LISTING = Listing("*x.context", {"Name": "NAME", "Size": "SIZE", "ID": "X ID"}, ("Name", "Size"))
ROWS = [{"Name": "a", "Size": 5, "ID": "1"}, {"Name": "long<&>", "Size": 10, "ID": "2"}]


@pytest.mark.parametrize("form", ["", "table", " table "])
def test_a_table_has_the_usual_columns(form):
    lines = LISTING.render(form, ROWS).splitlines()
    assert [line.split() for line in lines] == [["NAME", "SIZE"], ["a", "5"], ["long<&>", "10"]]


def test_json_is_a_line_for_each_with_sorted_names_and_docker_s_escapes():
    assert LISTING.render("json", ROWS) == (
        '{"ID":"1","Name":"a","Size":5}\n{"ID":"2","Name":"long\\u003c\\u0026\\u003e","Size":10}\n'
    )


def test_a_template_is_a_line_for_each():
    assert LISTING.render("{{.ID}}:{{.Name}}\\t!", ROWS) == "1:a\t!\n2:long<&>\t!\n"
    assert LISTING.render("{{.ID}}", []) == ""


def test_a_table_of_a_template_has_headings():
    lines = LISTING.render("table {{.ID}}\\t{{.Name}}", ROWS).splitlines()
    assert [line.split("  ")[0] for line in lines] == ["X ID", "1", "2"]
    assert lines[0].rstrip().endswith("NAME")


def test_a_field_that_there_is_not_is_an_error_with_the_kind_of_row():
    with pytest.raises(UsageError, match=r"can't evaluate field Nope in type \*x.context"):
        LISTING.render("{{.Nope}}", ROWS)


@pytest.mark.parametrize("form", ["{{.Name}}", "table {{.Name}}"])
def test_names_of_others_cannot_control_the_terminal(form):
    text = LISTING.render(form, [{"Name": "a\x1b[2Jb", "Size": 1, "ID": "1"}])
    assert "\x1b" not in text
    assert "a\\x1b[2Jb" in text
    assert printable_lines("a\tb\nc\rd") == "a\tb\nc\\rd"

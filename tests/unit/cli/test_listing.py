"""Lists by ``--format``: what is in them can neither steer a terminal nor break JSON."""

from __future__ import annotations

import json

from jettison.cli.listing import Listing

LISTING = Listing("*formatter.historyContext", {"ID": "IMAGE", "Comment": "COMMENT"}, ["ID"])
ROW = {"ID": "1", "Comment": "a<b>\x9b\u202e\x1b"}


def test_json_stays_json_and_steers_no_terminal() -> None:
    text = LISTING.render("json", [ROW])
    assert text == '{"Comment":"a\\u003cb\\u003e\\u009b\\u202e\\u001b","ID":"1"}\n'
    assert json.loads(text) == ROW


def test_cells_of_a_table_are_as_wide_as_they_are_shown() -> None:
    rows = [ROW, {"ID": "2", "Comment": "b"}]
    assert LISTING.render(r"table {{.Comment}}\t{{.ID}}", rows) == (
        "COMMENT              IMAGE\n"
        r"a<b>\x9b\u202e\x1b"
        "   1\n"
        "b                    2\n"
    )


def test_escapes_of_a_template_are_those_of_docker() -> None:
    assert LISTING.render(r"{{.ID}}\t{{.ID}}\n--", [ROW]) == "1\t1\n--\n"

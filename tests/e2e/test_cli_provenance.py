"""``provenance``: a table for people, a chain for a path, JSON for programs."""

from __future__ import annotations

import json

import pytest

from e2e.command import Cli

DOCKERFILE = """\
FROM box AS builder
RUN mkdir -p /out/deep && echo 12345 > /out/app && echo twice > /out/deep/a && ln /out/deep/a /out/deep/b
FROM box AS middle
COPY --from=builder /out /opt
FROM scratch
COPY --from=middle /opt/ /srv/
COPY note /note
"""


@pytest.fixture
def built(cli: Cli) -> Cli:
    cli("build", "-q", "-t", "chain", cli.context({"Dockerfile": DOCKERFILE, "note": "n"}))
    return cli


def test_a_file_with_two_names_counts_once(built: Cli):
    rows = [line.split() for line in built("provenance", "chain").stdout.splitlines()]
    assert [row[:5] for row in rows] == [
        ["STAGE", "LINE", "FILES", "SIZE", "PATH"],
        ["2", "7", "1", "1B", "/note"],
        ["builder", "2", "1", "6B", "/srv/app"],
        ["builder", "2", "2", "6B", "/srv/deep/"],
    ]


def test_a_path_is_followed_through_all_copies_to_the_line_that_made_it(built: Cli):
    said = json.loads(built("blame", "--json", "chain", "/srv/app").stdout)
    (found,) = said["paths"]
    assert (found["path"], found["size"]) == ("/srv/app", 6)
    ways = [(each["how"], each["stage"], each["line"], each["path"]) for each in found["chain"]]
    assert ways == [
        ("copy", "2", 6, "/srv/app"),
        ("copy", "middle", 4, "/opt/app"),
        ("run", "builder", 2, "/out/app"),
    ]


def test_a_path_that_is_not_there_is_told_with_one_that_is(built: Cli):
    said = built.attempt("provenance", "chain", "/srv/ap")
    assert said.returncode == 125
    assert "the image `chain` has no `/srv/ap`" in said.stderr
    assert "hint: did you mean `/srv/app`?" in said.stderr


def test_a_base_is_called_what_its_line_says(cli: Cli):
    context = cli.context({"Dockerfile": "FROM base\nRUN true\n"})
    cli("build", "-q", "-t", "based", "--build-context", "base=docker-image://box", context)
    said = json.loads(cli("provenance", "--json", "based", "/bin/sh").stdout)
    assert [each["from"] for each in said["paths"][0]["chain"]] == ["base"]

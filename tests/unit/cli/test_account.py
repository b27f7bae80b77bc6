"""``login`` and ``logout``, as far as no registry is asked."""

from __future__ import annotations

import io

import pytest

from jettison.cli.account import login, logout
from jettison.cli.main import run


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-u", "me", "--password-stdin"], "login needs a user name and a password"),
        (["-p", "secret"], "login needs a user name and a password"),
        (
            ["-u", "me", "-p", "secret", "--password-stdin"],
            "--password and --password-stdin cannot be given together",
        ),
    ],
)
def test_credentials_have_two_parts_and_one_source(monkeypatch, capsys, arguments, message):
    monkeypatch.setattr("sys.stdin", io.StringIO("\n"))
    assert run([login.name, *arguments, "r.example.org"]) == 125
    said = capsys.readouterr().err
    assert message in said
    assert "secret" not in said


def test_who_is_not_logged_in_is_told_so(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    assert run([logout.name, "r.example.org"]) == 0
    assert capsys.readouterr().out == "Not logged in to r.example.org\n"

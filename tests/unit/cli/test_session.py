"""Questions before something is removed."""

from __future__ import annotations

import io

import pytest

from jettison.cli.session import confirmed


@pytest.mark.parametrize(
    ("typed", "agrees"),
    [("y\n", True), ("YES\n", True), ("n\n", False), ("\n", False), ("maybe\ny\n", False)],
)
def test_the_user_is_asked(monkeypatch, capsys, typed, agrees):
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    assert confirmed("This removes it.", force=False) is agrees
    said = capsys.readouterr()
    assert "This removes it.\nAre you sure you want to continue? [y/N]" in said.err
    assert said.out == ""


def test_force_does_not_ask(monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert confirmed("This removes it.", force=True)
    assert capsys.readouterr().err == ""


def test_where_nobody_answers_that_is_said_and_is_a_no(monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert not confirmed("This removes it.", force=False)
    said = capsys.readouterr().err
    assert said.endswith(
        "\nWARN: nobody answers the question, and nothing is removed: use --force\n"
    )

"""Scripts of shells, and help by name."""

from __future__ import annotations

import pytest

from jettison.cli.completion import completion
from jettison.cli.main import run


@pytest.mark.parametrize(
    ("shell", "line"),
    [
        ("bash", "complete -o nosort -F _jettison_completion jettison"),
        ("zsh", "#compdef jettison"),
        ("fish", "complete --no-files --command jettison"),
    ],
)
def test_a_script_completes_the_command_of_its_shell(capsys, shell, line):
    assert run([completion.name, shell]) == 0
    assert line in capsys.readouterr().out


def test_another_shell_is_an_error(capsys):
    assert run(["completion", "csh"]) == 125
    assert "csh" in capsys.readouterr().err


def test_help_of_a_command_is_its_own(capsys):
    assert run(["help", "completion"]) == 0
    helped = capsys.readouterr().out
    assert run(["completion", "--help"]) == 0
    assert capsys.readouterr().out == helped
    assert run(["help", "buildx", "du"]) == 0
    assert "buildx du" in capsys.readouterr().out


def test_help_of_what_there_is_not_is_an_error_with_a_suggestion(capsys):
    assert run(["help", "biuld"]) == 125
    assert "build" in capsys.readouterr().err

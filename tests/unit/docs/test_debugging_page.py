"""The commands that the debugging page shows are commands of this version."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from jettison.cli.main import jettison

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "debugging.md").read_text()
INDENTED = re.findall(
    r"^ {4}(?:strace .*?|python .*?-m )?(jettison .*?)(?: {3,}.*| \|.*)?$", PAGE, re.MULTILINE
)
INLINE = re.findall(r"`(jettison [^`]*?)(?: 2> \S+)?`", PAGE)


@pytest.mark.parametrize("line", sorted({*INDENTED, *INLINE}))
def test_a_command_is_understood(line: str) -> None:
    words = shlex.split(line)[1:]
    context = click.Context(jettison, info_name="jettison")
    command: click.Command = jettison
    while words and isinstance(command, click.Group) and not words[0].startswith("-"):
        found = command.get_command(context, words.pop(0))
        assert found is not None, line
        command = found
    known = {flag for each in command.params for flag in each.opts} | {"-D", "--debug", "--help"}
    for word in words:
        if word.startswith("--"):
            assert word.partition("=")[0] in known, word


def test_there_are_commands_to_look_at() -> None:
    assert len(INDENTED) > 15
    assert len(INLINE) > 8

"""Commands that pages name in their text are commands of this version, with flags that it has.

Those in blocks are run by ``tests/pages``.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from jettison.cli.main import jettison

ROOT = Path(__file__).resolve().parents[3]
PAGES = ("README.md", "CONTRIBUTING.md", "docs/*.md", "docs/guides/*.md", "docs/reference/*.md")
OF_DOCKER = {"docker-flags.md", "habits.md"}
"""Pages that also list what is refused; they are written from tables, and tested as such."""
TEXTS = {
    path: path.read_text()
    for pattern in PAGES
    for path in sorted(ROOT.glob(pattern))
    if path.name not in OF_DOCKER
}
INLINE = sorted(
    {
        (path.name, " ".join(found.split()))
        for path, text in TEXTS.items()
        for found in re.findall(r"(?<!`)`(jettison [^`]*?)(?: 2> \S+)?`(?!`)", text)
    }
)
EVERYWHERE = {"-D", "--debug", "--help", "--root", "--version"}


@pytest.mark.parametrize(("page", "line"), INLINE)
def test_a_command_is_understood(page: str, line: str) -> None:
    words = shlex.split(line.replace("…", ""))[1:]
    context = click.Context(jettison, info_name="jettison")
    command: click.Command = jettison
    while words and isinstance(command, click.Group):
        word = words.pop(0)
        if word.startswith("-"):
            assert word in EVERYWHERE, line
        elif word.isupper():  # stands for any
            return
        else:
            found = command.get_command(context, word)
            assert found is not None, line
            command = found
    known = {flag for each in command.params for flag in each.opts} | EVERYWHERE
    for word in words:
        if word == "--" or (command.name == "run" and not word.startswith("-")):
            break  # what follows is the container's
        if word.startswith("--"):
            assert word.partition("=")[0] in known, word


def test_there_are_commands_to_look_at() -> None:
    assert len(INLINE) > 25
    assert len({page for page, _ in INLINE}) > 8

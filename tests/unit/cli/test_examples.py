"""Every command teaches by three examples, and each of them is understood."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import click
import pytest
from command_tree import commands, root

from jettison.cli.examples import examples, names
from jettison.cli.main import jettison
from jettison.cli.names import INNER, canonical


def paths() -> Iterator[str]:
    yield from (context.command_path.removeprefix("jettison ") for _, context in commands(root()))
    yield from INNER


@pytest.mark.parametrize("path", sorted(set(paths())))
def test_every_command_has_three_examples_that_it_understands(path: str) -> None:
    found = examples(path.split())
    assert len(found) == 3
    assert len(set(found)) == 3
    for line, about in found:
        assert about
        assert not about.endswith(".")
        words = called(line)
        assert understood(words).startswith(canonical(path.split()) or "?")


def called(line: str) -> list[str]:
    """Return the arguments of Jettison in a line of a shell."""
    line = re.sub(r"^\w+ (?:\"\$\(|<\()(.*?)\)\"?$", r"\1", line)
    words = shlex.split(re.split(r" (?:\||&&|[<>]) ", line)[0].replace("$PWD", "/here"))
    assert words[0] == "jettison"
    return words[1:]


def understood(words: list[str]) -> str:
    """Parse a command line, with all flags, without running it; return what it calls."""
    context = jettison.make_context("jettison", list(words), obj={"root": "", "verbose": False})
    while isinstance(context.command, click.Group) and context._protected_args:
        rest = [*context._protected_args, *context.args]
        name, command, args = context.command.resolve_command(context, rest)
        assert name is not None
        assert command is not None
        context = command.make_context(name, args, parent=context)
    return canonical(context.command_path.split()[1:]) or ""


def test_no_example_is_of_a_command_that_is_gone() -> None:
    assert set(names()) - set(paths()) == set()


def test_the_help_of_a_command_ends_with_its_examples() -> None:
    context = next(each for name, each in commands(root()) if name == "cp")
    text = context.get_help()
    assert text.endswith(
        "Examples:\n"
        "  # a directory out of a container\n"
        "  jettison cp web:/var/log/nginx logs\n"
        "  # a file into one\n"
        "  jettison cp site.conf web:/etc/nginx/conf.d/\n"
        "  # as a tar archive\n"
        "  jettison cp web:/etc/nginx - > nginx.tar"
    )


def test_docker_s_long_form_of_a_command_has_the_same() -> None:
    assert examples(["image", "ls"]) == examples(["images"])
    assert examples(["no", "such"]) == []

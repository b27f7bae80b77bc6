"""Options that several commands have, each declared once.

In:  what a command says of them.
Out: decorators of commands.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import click

from jettison.errors import UsageError

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def all_of(*options: Decorator) -> Decorator:
    """Return a decorator that gives a command several options, in the order of its help."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def filters(text: str, *, letter: bool = False) -> Decorator:
    """Return the option ``--filter``, whose values are ``filters``.

    Args:
        text: Which there are.
        letter: It has the short form ``-f``.
    """
    names = ["-f"] if letter else []
    return click.option(
        *names, "--filter", "filters", multiple=True, metavar="NAME=VALUE", help=text
    )


def platform(text: str, *, defaults: bool = False) -> Decorator:
    """Return the option ``--platform`` with one value.

    Args:
        text: What it is for.
        defaults: ``DOCKER_DEFAULT_PLATFORM`` stands in for it.
    """
    return click.option(
        "--platform", default="", metavar="OS/ARCH", help=text, envvar=_variable(defaults)
    )


def platforms(text: str, *, defaults: bool = False) -> Decorator:
    """Return the option ``--platform`` with many values, ``platforms``; see ``platform``."""
    return click.option(
        "--platform",
        "platforms",
        multiple=True,
        metavar="OS/ARCH",
        help=text,
        envvar=_variable(defaults),
    )


def _variable(defaults: bool) -> str | None:
    return "DOCKER_DEFAULT_PLATFORM" if defaults else None


def archive_file() -> Decorator:
    """Return the option that names the archive to write; see ``refuse_terminal``."""
    return click.option(
        "-o",
        "--output",
        default="-",
        metavar="FILE",
        help="File to write (default: standard output).",
    )


def refuse_terminal(output: str) -> None:
    """See that no archive is written to a terminal.

    Raises:
        UsageError: it would be.
    """
    if output == "-" and sys.stdout.isatty():
        raise UsageError(
            "will not write a tar to a terminal", hint="use -o FILE or redirect the output"
        )

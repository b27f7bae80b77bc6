"""Flags of ``build`` about its report and its limits.

In:  nothing.
Out: click options; their values in the form of a ``BuildRequest``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import click

from jettison.cli.flags import DockerCommand
from jettison.cli.report_output import with_values

GATES = ("max-size", "max-growth", "max-wasted", "forbid", "require-user")
"""Limits that have a flag."""

_Function = Callable[..., object]


class ReportingCommand(DockerCommand):
    """A command whose ``--report`` need not have a value."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Give ``--report`` a value where it has none, and go on."""
        return super().parse_args(ctx, with_values(args))


def report_flags(command: _Function) -> _Function:
    """Let a function have the flags."""
    options = [
        click.option(
            "--report",
            "reports",
            multiple=True,
            metavar="FORMAT[=FILE]",
            help="Report the build: brief (the default), full, none, json, md, html, attach.",
        ),
        click.option(
            "--counterfactual",
            type=click.Choice(["computed", "build"]),
            default="computed",
            help="Compute what a single stage would ship, or really build it.",
        ),
        click.option(
            "--max-size", default="", metavar="SIZE", help="Fail if the image is larger: 50MB."
        ),
        click.option(
            "--max-growth",
            default="",
            metavar="SIZE|N%",
            help="Fail if it has grown by more since the last build, or --baseline.",
        ),
        click.option(
            "--max-wasted",
            default="",
            metavar="SIZE|N%",
            help="Fail if more is shipped that cannot be seen.",
        ),
        click.option(
            "--forbid",
            default="",
            metavar="KINDS",
            help="Fail if it has any: shells,setuid,compilers,pkgmgrs,netclients.",
        ),
        click.option("--require-user", is_flag=True, help="Fail if it runs as root."),
        click.option(
            "--baseline",
            default="",
            metavar="FILE|IMAGE",
            help="What growth is measured against: a JSON report, or an image.",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def gates_of(flags: Mapping[str, object]) -> dict[str, str]:
    """Return limits by gate, as written; those that were not given are left out."""
    given = {name: flags[name.replace("-", "_")] for name in GATES}
    return {name: "true" if text is True else str(text) for name, text in given.items() if text}

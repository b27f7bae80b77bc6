"""Flags of ``build`` about its report, its limits and the checks of its image.

In:  nothing.
Out: click options; their values in the form of a ``BuildRequest``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import click

from jettison.cli.attest_flags import OPTIONAL_VALUES as ATTESTATIONS
from jettison.cli.optional_values import OptionalValue, OptionalValueCommand
from jettison.cli.options import all_of
from jettison.cli.report_output import ATTACH, FORMATS, TEXTS
from jettison.errors import UsageError

GATES = ("max-size", "max-growth", "max-wasted", "forbid", "require-user")
"""Limits that have a flag."""

_Function = Callable[..., object]


STRICT = OptionalValue("error", frozenset({"error", "warning"}))
PROBE = OptionalValue("3s", form=re.compile(r"[0-9.]+(?:ms|s|m)|https?://(?::|localhost|127\.).*"))
"""What is no duration and no address in the container may be the context: that is not taken."""


OPTIONAL_VALUES = {
    "--load": OptionalValue("true"),
    "--report": OptionalValue("brief", frozenset({*TEXTS, *FORMATS, ATTACH})),
    "--strict": STRICT,
    "--probe": PROBE,
    **ATTESTATIONS,
}


class ReportingCommand(OptionalValueCommand):
    """A command whose flags of reports, checks, engines and attestations need no value."""

    def optional_values(self) -> Mapping[str, OptionalValue]:
        """Return them."""
        return OPTIONAL_VALUES


def report_flags(command: _Function) -> _Function:
    """Let a function have the flags."""
    decorate = all_of(
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
            "--strict",
            type=click.Choice(["error", "warning"]),
            metavar="[LEVEL]",
            help="Fail if checks of the image find an error; `--strict=warning`: or a warning.",
        ),
        click.option(
            "--probe",
            default="",
            metavar="[TARGET]",
            help="Fail unless it starts: for 3s (or 10s), http://:8080/healthz, or =COMMAND.",
        ),
        click.option("--no-checks", is_flag=True, help="Do not check the image."),
        click.option(
            "--baseline",
            default="",
            metavar="FILE|IMAGE",
            help="What growth is measured against: a JSON report, or an image.",
        ),
    )
    return decorate(command)


def checks_of(flags: Mapping[str, object]) -> str:
    """Return the level of checks, empty if no flag says anything.

    Raises:
        UsageError: they contradict each other.
    """
    if flags["no_checks"] and flags["strict"]:
        raise UsageError("--strict and --no-checks exclude each other", hint="use one of them")
    return "none" if flags["no_checks"] else str(flags["strict"] or "")


def gates_of(flags: Mapping[str, object]) -> dict[str, str]:
    """Return limits by gate, as written; those that were not given are left out."""
    given = {name: flags[name.replace("-", "_")] for name in GATES}
    return {name: "true" if text is True else str(text) for name, text in given.items() if text}

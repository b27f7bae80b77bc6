"""Flags that need not have a value: ``--report``, ``--strict``.

In:  arguments of a command line.
Out: arguments in which each of them has one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import click
import msgspec

from jettison.cli.flags import DockerCommand


class OptionalValue(msgspec.Struct, frozen=True):
    """A flag that need not have a value.

    Args:
        default: The value, if there is none.
        values: What counts as its value if it is the next argument, up to a ``=``; others are
            taken from ``--flag=value`` only.
        form: What counts as well, if all of the argument is so.
    """

    default: str
    values: frozenset[str] = frozenset()
    form: re.Pattern[str] | None = None

    def takes(self, argument: str) -> bool:
        """Tell whether the next argument is its value."""
        if self.form is not None and self.form.fullmatch(argument):
            return True
        return argument.partition("=")[0] in self.values


def with_values(args: Sequence[str], flags: Mapping[str, OptionalValue]) -> list[str]:
    """Return arguments in which each of the flags has a value.

    >>> flags = {"--report": OptionalValue("brief", frozenset({"json"}))}
    >>> with_values(["--report", "."], flags), with_values(["--report", "json", "."], flags)
    (['--report=brief', '.'], ['--report', 'json', '.'])
    >>> with_values(["--report=", "json"], flags)
    ['--report=brief', 'json']
    """
    plain: list[str] = []
    for index, argument in enumerate(args):
        if argument == "--":
            return [*plain, *args[index:]]
        flag = flags.get(argument.removesuffix("="))  # an empty value is none
        following = args[index + 1] if index + 1 < len(args) else ""
        if flag is not None and (argument.endswith("=") or not flag.takes(following)):
            plain.append(f"{argument.removesuffix('=')}={flag.default}")
        else:
            plain.append(argument)
    return plain


class OptionalValueCommand(DockerCommand):
    """A command with such flags; those of a class derived from it say which."""

    def optional_values(self) -> Mapping[str, OptionalValue]:
        """Return the flags."""
        return {}

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Give the flags values where they have none, and go on."""
        return super().parse_args(ctx, with_values(args, self.optional_values()))

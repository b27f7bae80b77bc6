"""Flags as docker takes them: ``--rm=true``, flags that are understood and change nothing.

In:  arguments of a subcommand.
Out: arguments as click takes them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping

import click

from jettison.cli.compat.accepted import WARNED
from jettison.cli.notices import notice
from jettison.console.terminal import out
from jettison.errors import UsageError

_TRUE = frozenset({"true", "1", "t"})
_FALSE = frozenset({"false", "0", "f"})
_CHANGE_NOTHING = frozenset({"", "false", "()", "default"})
_PATHS = "context contexts dockerfile outputs secrets ssh iidfile metadata_file ca_bundle path"
_FILES = "file output source destination password command"
_GIVEN = "argv env env_files entrypoint workdir volumes mounts tmpfs"
_MAY_BE_BYTES = frozenset(f"{_PATHS} {_FILES} {_GIVEN}".split())
"""Parameters that hold paths, or what containers are given: any bytes may be in them."""


class PlainHelp(click.Command):
    """A command whose help flag is not translated: to look for translations takes 2 ms."""

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """Return the flag that shows the help of the command."""
        if self._help_option is None:
            self._help_option = click.Option(
                self.get_help_option_names(ctx),
                is_flag=True,
                expose_value=False,
                is_eager=True,
                callback=_show_help,
                help="Show this message and exit.",
            )
        return self._help_option

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples of the command."""
        super().format_epilog(ctx, formatter)
        write_examples(ctx, formatter)


def write_examples(ctx: click.Context, formatter: click.HelpFormatter) -> None:
    """End a help with what can be typed, and what each does."""
    from jettison.cli.examples import examples  # only helps need them

    found = examples(ctx.command_path.split()[1:])
    if found:
        with formatter.section("Examples"):
            for line, about in found:
                formatter.write(f"{'':>{formatter.current_indent}}# {about}\n")
                formatter.write(f"{'':>{formatter.current_indent}}{line}\n")


def _show_help(ctx: click.Context, _parameter: click.Parameter, value: object) -> None:
    if value and not ctx.resilient_parsing:
        out(ctx.get_help() + "\n")
        ctx.exit()


def _keeper(name: str) -> Callable[[click.Context, click.Parameter, object], None]:
    """Return what keeps a flag's value for the whole call, wherever it stood on the line."""

    def keep(ctx: click.Context, _parameter: click.Parameter, value: object) -> None:
        if value:
            ctx.find_root().ensure_object(dict)[name] = value

    return keep


def _collector(
    name: str,
) -> Callable[[click.Context, click.Parameter, tuple[str, ...]], None]:
    """Return what collects a flag's values for the whole call, wherever they stood on the line."""

    def collect(ctx: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> None:
        if values:
            kept = ctx.find_root().ensure_object(dict)
            kept[name] = (*kept.get(name, ()), *values)

    return collect


def _global_flags(*, hidden: bool) -> list[click.Parameter]:
    return [
        click.Option(
            ["--root"],
            default="",
            metavar="DIR",
            help="Directory of the local store.",
            expose_value=False,
            hidden=hidden,
            callback=_keeper("root"),
        ),
        click.Option(
            ["-D", "--debug"],
            is_flag=True,
            help="Show tracebacks of errors.",
            expose_value=False,
            hidden=hidden,
            callback=_keeper("verbose"),
        ),
        click.Option(
            ["--registry-mirror"],
            multiple=True,
            metavar="[REGISTRY=]MIRROR",
            help="Pull from here first; of docker.io where no registry is named.",
            expose_value=False,
            hidden=hidden,
            callback=_collector("registry_mirrors"),
        ),
        click.Option(
            ["--insecure-registry"],
            multiple=True,
            metavar="HOST[:PORT]",
            help="Speak to a registry without TLS checks.",
            expose_value=False,
            hidden=hidden,
            callback=_collector("insecure_registries"),
        ),
    ]


def add_global_flags(command: click.Command, *, hidden: bool = True) -> None:
    """Let a command take the flags that may stand anywhere on the line.

    Args:
        command: It, and the commands of a group.
        hidden: Its help leaves them out.
    """
    own = {name for each in command.params for name in each.opts}
    if "--root" not in own:
        flags = _global_flags(hidden=hidden)
        command.params += [each for each in flags if own.isdisjoint(each.opts)]
    for inner in command.commands.values() if isinstance(command, click.Group) else ():
        add_global_flags(inner)


class DockerCommand(PlainHelp):
    """A command whose switches may have a value."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Turn ``--switch=true`` into ``--switch`` and leave ``--switch=false`` out."""
        if ctx.resilient_parsing and args and self._takes_next(args[-1]):
            args = args[:-1]  # its value is being typed: what stands before is wanted
        plain = self._plain(args, stops=not ctx.allow_interspersed_args)
        rest = super().parse_args(ctx, list(plain))
        for parameter in self.params:
            if parameter.name not in _MAY_BE_BYTES:
                _require_texts(max(parameter.opts, key=len), ctx.params.get(parameter.name or ""))
        return rest

    def _plain(self, args: list[str], *, stops: bool) -> Iterator[str]:
        """Yield arguments with plain switches.

        Args:
            args: As written.
            stops: Whether the first argument that is no flag ends the flags.
        """
        rest = iter(args)
        # Click takes `-t` for a long flag first, and looks for flags that are like it: 3 ms.
        longer = {
            name: max(parameter.opts, key=len)
            for parameter in self.params
            for name in parameter.opts
            if len(name) == 2
        }
        for argument in rest:
            is_flag = argument.startswith("-") and argument != "-"
            if argument == "--" or (stops and not is_flag):
                yield argument
                yield from rest
            elif self._takes_next(argument):
                yield longer.get(argument, argument)
                yield from itertools.islice(rest, 1)
            else:
                yield from self._plain_switch(argument, longer)

    def _takes_next(self, argument: str) -> bool:
        """Tell whether the value of a flag is the next argument."""
        if argument.startswith("--"):
            return argument in self._names(switches=False)
        valued = {name[1] for name in self._names(switches=False) if len(name) == 2}
        letters = argument[1:] if argument.startswith("-") else ""
        first = next((index for index, letter in enumerate(letters) if letter in valued), None)
        return first is not None and first == len(letters) - 1

    def _plain_switch(self, argument: str, longer: Mapping[str, str]) -> Iterator[str]:
        name, equals, value = argument.partition("=")
        if not equals or name not in self._names(switches=True):
            yield longer.get(argument, argument)
        elif value.lower() in _TRUE:
            yield name
        elif value.lower() in _FALSE:
            yield from self._contraries(name)
        else:
            raise UsageError(
                f"`{argument}`: `{value}` is neither true nor false", hint=f"write `{name}`"
            )

    def _contraries(self, name: str) -> list[str]:
        """Return what turns a switch off that is on if it is not given."""
        return next((each.secondary_opts[:1] for each in self.params if name in each.opts), [])

    def _names(self, *, switches: bool) -> set[str]:
        return {
            name
            for parameter in self.params
            if isinstance(parameter, click.Option) and parameter.is_flag is switches
            for name in (*parameter.opts, *parameter.secondary_opts)
        }


def _require_texts(flag: str, value: object) -> None:
    """See that all texts of a parameter are UTF-8.

    Raises:
        UsageError: one is not.
    """
    from jettison.cli.values import require_text  # it needs much itself

    for each in value if isinstance(value, tuple) else (value,):
        if isinstance(each, str) and not each.isascii():
            require_text(flag, each)


def tell_ignored(command: str, flags: Mapping[str, object]) -> None:
    """Say on standard error which flags were given that change nothing here.

    Args:
        command: Its name here.
        flags: Values by parameter name.
    """
    for flag, reason in WARNED.get(command, {}).items():
        value = str(flags.get(flag[2:].replace("-", "_")) or "")
        if value.lower() not in _CHANGE_NOTHING:
            notice(f"{flag} changes nothing: {reason}")

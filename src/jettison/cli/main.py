"""The ``jettison`` command: finds the subcommand, and turns every error into a message.

Modules of subcommands are imported when they are called, so that each costs only itself.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any

import click
import msgspec

from jettison import __version__
from jettison.cli.flags import PlainHelp, add_global_flags
from jettison.cli.names import COMMANDS, GROUPS, INNER, SYNONYMS, canonical
from jettison.console.terminal import err, out
from jettison.errors import JettisonError
from jettison.settings import Settings, load_settings

_WORDS = str.maketrans(" -", "__")
_FUNCTIONS = {"help": "help_", "exec": "exec_"}
"""Commands whose functions cannot have their names; blanks are written as `_`."""

_ABOUT = {
    "image": "images",
    "buildx": "builds",
    "builder": "builds",
    "container": "containers",
    "manifest": "manifests",
    "system": "this host and the store",
}


def _entry(name: str) -> tuple[str, str]:
    return COMMANDS.get(name) or INNER[name]


_COMPLETION = "_JETTISON_COMPLETE"
UNREAD = 141
"""Status where nobody reads what a command prints: that of a process that SIGPIPE killed."""


class LazyGroup(PlainHelp, click.Group):
    """A group whose subcommands are imported when they are called.

    Args:
        commands: Name of a subcommand to the name of ours that it is.
    """

    def __init__(self, *, aliases: dict[str, str], **attributes: Any) -> None:  # noqa: ANN401
        super().__init__(**attributes)
        self._aliases = aliases

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the subcommands in the order of the table."""
        return list(self._aliases)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a subcommand."""
        if self.name == "jettison" and cmd_name in GROUPS:
            return LazyGroup(
                name=cmd_name,
                aliases=GROUPS[cmd_name],
                callback=_show_help,
                invoke_without_command=True,
                help=f"Docker's names of commands about {_ABOUT[cmd_name]}.",
            )
        name = self._aliases.get(cmd_name) or SYNONYMS.get((self.name or "", cmd_name))
        if name is None:
            return None
        module = importlib.import_module(f"jettison.cli.{_entry(name)[0]}")
        command = getattr(module, _FUNCTIONS.get(name, name.translate(_WORDS)))
        if not isinstance(command, click.Command):
            return None
        add_global_flags(command)
        if _COMPLETION in os.environ:
            from jettison.cli.complete import add_completions

            add_completions(command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the subcommands without importing them."""
        rows = [(name, _entry(ours)[1]) for name, ours in self._aliases.items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the subcommand.

        Raises:
            UsageError: there is none of that name; says what could be meant.
        """
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            from jettison.cli.usage import unknown_command

            raise unknown_command(ctx.command_path, args[0], self._aliases)
        return super().resolve_command(ctx, args)


@click.pass_context
def _show_help(ctx: click.Context) -> None:
    """Show the help of a group that is called without a subcommand."""
    if ctx.invoked_subcommand is None:
        out(ctx.get_help() + "\n")


def _show_version(ctx: click.Context, _parameter: click.Parameter, value: object) -> None:
    if value and not ctx.resilient_parsing:
        out(f"jettison {__version__}\n")
        ctx.exit()


@click.group(
    name="jettison",
    cls=LazyGroup,
    aliases={name: name for name in COMMANDS},
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "-v",
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_show_version,
    help="Show the version and exit.",
)
@click.option(
    "--config",
    default="",
    metavar="DIR",
    help="Directory of docker's config.json (as DOCKER_CONFIG).",
)
@click.pass_context
def jettison(ctx: click.Context, config: str) -> None:
    """Build container images without a daemon and without root.

    Multi-stage Dockerfiles go in, an image of the final stage comes out.
    """
    if config:
        os.environ["DOCKER_CONFIG"] = config
    if ctx.invoked_subcommand is None:
        out(ctx.get_help() + "\n")


add_global_flags(jettison, hidden=False)


def settings_of(ctx: click.Context, **flags: object) -> Settings:
    """Return the settings for a command; flags that were given win.

    What the environment asks for in vain is said.
    """
    chosen = ctx.find_root().ensure_object(dict)
    if not chosen.get("said"):
        from jettison.cli.variables import tell_variables

        chosen["said"] = True
        command = canonical(ctx.command_path.split()[1:]) or ""
        tell_variables(command, os.environ, loads=bool(ctx.params.get("load")))
    found = load_settings(os.environ, root=ctx.obj["root"], **flags)
    for name in ("registry_mirrors", "insecure_registries"):
        if given := ctx.obj.get(name):
            # Those of the flags come first, and those of the settings stay.
            every = tuple(dict.fromkeys((*given, *getattr(found, name))))
            found = msgspec.structs.replace(found, **{name: every})
    return found


def run(argv: Sequence[str]) -> int:
    """Run a command line; return the exit status (``docs/reference/exit-status.md``)."""
    chosen: dict[str, Any] = {"root": "", "verbose": False}
    try:
        status = _run(argv, chosen)
        for stream in (sys.stdout, sys.stderr):
            stream.flush()  # while it can still be found out that nobody reads it
    except BrokenPipeError:
        _drop_output()
        return UNREAD
    return status


def _run(argv: Sequence[str], chosen: dict[str, Any]) -> int:
    """Run a command line; return its exit status.

    Args:
        argv: It.
        chosen: Gets what flags choose that may stand anywhere on it.

    Raises:
        BrokenPipeError: nobody reads what is printed.
    """
    stops = _stop_cleanly()
    try:
        if _COMPLETION in os.environ:
            try:
                jettison.main(
                    list(argv), prog_name="jettison", complete_var=_COMPLETION, obj=chosen
                )
            except JettisonError:
                return 0  # a line that is wrong has no completions, and nobody reads why
        # Not click's `main`, which takes an output that nobody reads for an error like others.
        with jettison.make_context("jettison", list(argv), obj=chosen) as ctx:
            status = jettison.invoke(ctx)
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.Abort:
        return _interrupted(stops)
    except click.ClickException as error:
        from jettison.cli.usage import usage_error

        return print_error(usage_error(error))
    except JettisonError as error:
        if chosen["verbose"]:
            raise
        status = print_error(error)
        return UNREAD if isinstance(error.__cause__, BrokenPipeError) else status
    except KeyboardInterrupt:
        return _interrupted(stops)
    except (BrokenPipeError, SystemExit):
        raise
    except Exception as error:
        if chosen["verbose"]:
            raise
        from jettison.console.message import unexpected_error

        return print_error(unexpected_error(error))
    return status if isinstance(status, int) else 0


def _drop_output() -> None:
    """Let what is still to be written go nowhere: flushing at the end must not fail."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(nowhere, descriptor)
    os.close(nowhere)


def print_error(error: JettisonError) -> int:
    """Write an error for the user; return its exit status."""
    from jettison.console.message import error_message

    err(error_message(error) + "\n")
    return error.exit_status


def _stop_cleanly() -> list[int]:
    """Let the first SIGINT or SIGTERM stop what runs, and a second one kill the process.

    Returns:
        A list that gets the signal's number.
    """
    import signal

    stops: list[int] = []

    def stop(number: int, _frame: object) -> None:
        stops.append(number)
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, signal.SIG_DFL)
        raise KeyboardInterrupt

    try:
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else ignored by a shell
            signal.signal(signal.SIGINT, stop)
        if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, stop)
    except ValueError:
        return stops  # not in the main thread: signals are somebody else's
    return stops


def _interrupted(stops: Sequence[int]) -> int:
    err("\ninterrupted; the store is as it was\n")
    return 128 + stops[0] if stops else 130

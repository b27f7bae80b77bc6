"""``jettison exec``: another process in a container that runs."""

from __future__ import annotations

import click

from jettison.api.session import Session
from jettison.cli.env_files import environment
from jettison.cli.flags import DockerCommand
from jettison.cli.session import in_session
from jettison.cli.values import texts
from jettison.errors import UsageError

_NOT_EXECUTABLE = 126


@click.command("exec", cls=DockerCommand, context_settings={"allow_interspersed_args": False})
@click.argument("name", metavar="CONTAINER")
@click.argument("argv", metavar="COMMAND [ARG...]", nargs=-1, type=click.UNPROCESSED)
@click.option("-i", "--interactive", is_flag=True, help="Keep standard input open.")
@click.option("-t", "--tty", "terminal", is_flag=True, help="Give the process a terminal.")
@click.option("-d", "--detach", is_flag=True, help="Do not wait for it.")
@click.option("-e", "--env", "env", multiple=True, metavar="NAME[=VALUE]", help="Variable.")
@click.option("--env-file", "env_files", multiple=True, metavar="FILE", help="File of variables.")
@click.option("-u", "--user", default="", metavar="USER[:GROUP]", help="User to run as.")
@click.option("-w", "--workdir", default="", metavar="DIR", help="Working directory.")
@click.option("--privileged", is_flag=True, hidden=True)
@click.option("--detach-keys", default="", hidden=True)
@click.pass_context
def exec_(ctx: click.Context, /, name: str, argv: tuple[str, ...], **flags: object) -> int:
    """Run a command in a container that runs, and end with its status.

    It gets the user, the variables and the limits of the container, unless flags say otherwise.
    """
    if not argv:
        raise UsageError("`jettison exec` needs a command", hint="run `jettison exec --help`")
    if flags["privileged"]:
        raise UsageError(
            "no process gets more rights than the container has",
            hint="run the container itself with `--privileged`",
        )
    if flags["detach_keys"]:
        raise UsageError("there are no keys that detach", hint="end the command, or use `-d`")
    env = environment(texts(flags, "env"), texts(flags, "env_files"))

    def work(session: Session) -> int:
        from jettison.api.exec import execute, execute_detached
        from jettison.container.foreground import Attachment
        from jettison.container.state.protocol import Execute

        wanted = Execute(
            argv,
            env=env,
            user=str(flags["user"]),
            workdir=str(flags["workdir"]),
            terminal=bool(flags["terminal"]) and not flags["detach"],
        )
        if flags["detach"]:
            return execute_detached(session, name, wanted)
        return execute(session, name, wanted, Attachment(bool(flags["interactive"])))

    return in_session(ctx, work)

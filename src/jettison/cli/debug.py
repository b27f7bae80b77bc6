"""``jettison debug``: what the builder sees."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from jettison.cli.flags import DockerCommand
from jettison.console.terminal import out, out_json
from jettison.errors import ContextError, JettisonError
from jettison.linux.text import printable


@click.group("debug")
def debug() -> None:
    """Look inside: failed steps, syntax trees and the like."""


@debug.command("shell", cls=DockerCommand, context_settings={"allow_interspersed_args": False})
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@click.option("--step", default="", metavar="TEXT", help="Part of the step's name, or its digest.")
@click.option("--list", "listing", is_flag=True, help="List the failed steps that are kept.")
@click.option("--secret", "secrets", multiple=True, metavar="id=…", help="As given to the build.")
@click.option("--ssh", multiple=True, metavar="ID", help="As given to the build.")
@click.option(
    "--isolation", default="", metavar="DRIVER", help="Sandbox to use (see doctor), or auto."
)
@click.option("--snapshotter", default="", metavar="NAME", help="Maker of root file systems.")
@click.pass_context
def shell(
    ctx: click.Context, /, command: tuple[str, ...], *, step: str, listing: bool, **flags: object
) -> int:
    """Run a shell, or COMMAND, where a step of the last build failed.

    It has the step's user, environment, directory and mounts. Secrets are not kept: give them
    again if you need them.
    """
    from jettison.api.debug import debug_step, failed_steps
    from jettison.api.request import BuildRequest
    from jettison.api.session import Session
    from jettison.cli.session import in_session
    from jettison.cli.values import parse_secret, texts

    request = BuildRequest(
        context="",
        secrets=tuple(parse_secret(each) for each in texts(flags, "secrets")),
        ssh=texts(flags, "ssh"),
    )

    def work(session: Session) -> int:
        if not listing:
            terminal = sys.stdin.isatty() and sys.stdout.isatty()
            return debug_step(session, request, step=step, argv=command, terminal=terminal)
        for kept in failed_steps(session):
            digest = kept.step.vertex.partition(":")[2][:12]
            text = f"{digest}  exit code {kept.step.exit_code}  {kept.step.name}"
            out(printable(text) + "\n")
        return 0

    return in_session(ctx, work, isolation=flags["isolation"], snapshotter=flags["snapshotter"])


@debug.command("parse", cls=DockerCommand)
@click.argument("file", default="Dockerfile")
@click.option("--format", "form", type=click.Choice(["sexpr", "json"]), default="sexpr")
def parse(file: str, form: str) -> int:
    """Print the syntax tree of a Dockerfile (``-`` reads standard input)."""
    from jettison.frontend.dockerfile.dump import to_json, to_sexpr
    from jettison.frontend.dockerfile.parser import parse as parse_dockerfile
    from jettison.frontend.dockerfile.parser import parse_nodes

    data = read_dockerfile(file)
    try:
        if form == "sexpr":
            text = to_sexpr(parse_nodes(data))
        else:
            text = to_json(parse_dockerfile(data, filename=file))
    except JettisonError as error:
        error.source = (file, data.decode(errors="replace"))
        raise
    (out if form == "sexpr" else out_json)(text.rstrip("\n") + "\n")
    return 0


def read_dockerfile(file: str) -> bytes:
    """Return the bytes of a Dockerfile.

    Raises:
        ContextError: it cannot be read.
    """
    if file == "-":
        return sys.stdin.buffer.read()
    from jettison.source.dockerfile import read_dockerfile as read

    data = read(Path(file))
    if data is None:
        raise ContextError(f"cannot read `{file}`: no such file or directory")
    return data

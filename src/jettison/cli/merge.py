"""``jettison merge``: one name for images of several platforms in a registry."""

from __future__ import annotations

import os

import click

from jettison.api.merge import merge as merge_images
from jettison.api.session import Session
from jettison.cli.flags import DockerCommand
from jettison.cli.session import in_session
from jettison.console.select import make_transfer_console
from jettison.console.terminal import out


@click.command("merge", cls=DockerCommand)
@click.argument("name", metavar="NAME[:TAG]")
@click.argument("sources", metavar="SOURCE...", nargs=-1, required=True)
@click.option("-q", "--quiet", is_flag=True, help="Print the digest only.")
@click.pass_context
def merge(ctx: click.Context, /, name: str, sources: tuple[str, ...], *, quiet: bool) -> int:
    """Make one image for several platforms of images that are in a registry."""

    def work(session: Session) -> int:
        console = make_transfer_console("push", name, os.environ, quiet=quiet)
        try:
            digest = merge_images(session, name, sources, console)
        finally:
            console.close()
        out(f"{digest}\n")
        return 0

    return in_session(ctx, work)

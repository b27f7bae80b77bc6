"""Commands that move images: save, load, pull, push."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import cast

import click

from jettison.api import transfer as api
from jettison.api.images import chosen_images
from jettison.api.session import Session
from jettison.cli import options
from jettison.cli.flags import DockerCommand
from jettison.cli.session import in_session
from jettison.console.select import make_transfer_console
from jettison.console.terminal import out
from jettison.errors import UsageError
from jettison.exporter.outputs import LayerCompression, RegistryOutput
from jettison.linux.text import printable


@click.command("save", cls=DockerCommand)
@click.argument("names", metavar="IMAGE...", nargs=-1, required=True)
@options.archive_file()
@options.platform("Only the images for this platform.")
@click.pass_context
def save(ctx: click.Context, names: tuple[str, ...], output: str, platform: str) -> int:
    """Write images to a tar that docker, podman and Jettison can load."""
    options.refuse_terminal(output)

    def work(session: Session) -> int:
        api.save(session, names, output, platform)
        return 0

    return in_session(ctx, work)


@click.command("load", cls=DockerCommand)
@click.option(
    "-i",
    "--input",
    "source",
    default="-",
    metavar="FILE",
    help="Archive or layout directory (default: standard input).",
)
@click.option("-q", "--quiet", is_flag=True, help="Say the names only (as without it).")
@click.option(
    "--platform", default="", metavar="OS/ARCH", help="Platform to take of images for several."
)
@click.argument("path", default="")
@click.pass_context
def load(ctx: click.Context, /, source: str, path: str, platform: str, **_: object) -> int:
    """Read images from a docker archive, an OCI archive or an OCI layout."""
    origin = path or source
    if origin == "-" and sys.stdin.isatty():
        raise UsageError("requested load from stdin, but stdin is a terminal", hint="use -i FILE")

    def work(session: Session) -> int:
        for line in api.load(session, origin, platform):
            out(printable(line) + "\n")
        return 0

    return in_session(ctx, work)


def _no_trust(function: Callable[..., int]) -> Callable[..., int]:
    flag = "--disable-content-trust/--enable-content-trust"
    return click.option(flag, hidden=True)(function)


@click.command("pull", cls=DockerCommand)
@click.argument("name", metavar="NAME[:TAG|@DIGEST]")
@click.option("-a", "--all-tags", "everything", is_flag=True, help="All tags of the repository.")
@click.option(
    "--platform",
    default="",
    metavar="OS/ARCH",
    envvar="DOCKER_DEFAULT_PLATFORM",
    help="Platform of the image.",
)
@click.option("-q", "--quiet", is_flag=True, help="Print the name only.")
@_no_trust
@click.pass_context
def pull(ctx: click.Context, /, name: str, platform: str, **flags: object) -> int:
    """Download an image from its registry."""
    quiet = bool(flags["quiet"])

    def work(session: Session) -> int:
        names = api.names_in_registry(session, name) if flags["everything"] else [name]
        for each in names:
            console = make_transfer_console("pull", each, os.environ, quiet=quiet)
            try:
                reference, digest = api.pull(session, each, platform, console)
            finally:
                console.close()
            if not quiet and digest:
                out(f"Digest: {digest}\n")
            out(printable(reference) + "\n")
        return 0

    return in_session(ctx, work)


@click.command("push", cls=DockerCommand)
@click.argument("name", metavar="NAME[:TAG]")
@click.option("-a", "--all-tags", "everything", is_flag=True, help="All tags of the repository.")
@click.option("-q", "--quiet", is_flag=True, help="Print the digest only.")
@click.option(
    "--compression",
    type=click.Choice(["gzip", "zstd", "uncompressed"]),
    default="gzip",
    help="Of layers that were made here.",
)
@click.option("--platform", default="", metavar="OS/ARCH", help="Only the image for this platform.")
@_no_trust
@click.pass_context
def push(ctx: click.Context, /, name: str, compression: str, **flags: object) -> int:
    """Upload an image to the registry that its name tells."""
    output = RegistryOutput(compression=cast("LayerCompression", compression))
    platform = str(flags["platform"])

    def work(session: Session) -> int:
        names = api.names_in_store(session, name) if flags["everything"] else [name]
        for each in names:
            chosen_images(session, each, platform)
        for each in names:
            console = make_transfer_console("push", each, os.environ, quiet=bool(flags["quiet"]))
            try:
                digest = api.push(session, each, output, console, platform)
            finally:
                console.close()
            out(f"{digest}\n")
        return 0

    return in_session(ctx, work)

"""Commands that move images: save, load, pull, push."""

from __future__ import annotations

import os
import sys
from typing import cast

import click

from jettison.api import transfer as api
from jettison.api.session import Session
from jettison.cli.session import in_session
from jettison.console.base import make_transfer_console
from jettison.console.terminal import out
from jettison.errors import UsageError
from jettison.exporter.outputs import LayerCompression, RegistryOutput
from jettison.linux.text import printable


@click.command("save")
@click.argument("names", metavar="IMAGE...", nargs=-1, required=True)
@click.option(
    "-o", "--output", default="-", metavar="FILE", help="File to write (default: standard output)."
)
@click.pass_context
def save(ctx: click.Context, names: tuple[str, ...], output: str) -> int:
    """Write images to a tar that docker, podman and Jettison can load."""
    if output == "-" and sys.stdout.isatty():
        raise UsageError(
            "will not write a tar to a terminal", hint="use -o FILE or redirect the output"
        )

    def work(session: Session) -> int:
        api.save(session, names, output)
        return 0

    return in_session(ctx, work)


@click.command("load")
@click.option(
    "-i",
    "--input",
    "source",
    default="-",
    metavar="FILE",
    help="Archive or layout directory (default: standard input).",
)
@click.option("-q", "--quiet", is_flag=True, help="Say nothing.")
@click.argument("path", default="")
@click.pass_context
def load(ctx: click.Context, source: str, path: str, *, quiet: bool) -> int:
    """Read images from a docker archive, an OCI archive or an OCI layout."""
    origin = path or source
    if origin == "-" and sys.stdin.isatty():
        raise UsageError("requested load from stdin, but stdin is a terminal", hint="use -i FILE")

    def work(session: Session) -> int:
        for line in api.load(session, origin):
            if not quiet:
                out(printable(line) + "\n")
        return 0

    return in_session(ctx, work)


@click.command("pull")
@click.argument("name", metavar="NAME[:TAG|@DIGEST]")
@click.option("--platform", default="", metavar="OS/ARCH", help="Platform of the image.")
@click.option("-q", "--quiet", is_flag=True, help="Print the name only.")
@click.pass_context
def pull(ctx: click.Context, name: str, platform: str, *, quiet: bool) -> int:
    """Download an image from its registry."""

    def work(session: Session) -> int:
        console = make_transfer_console("pull", name, os.environ, quiet=quiet)
        try:
            reference, digest = api.pull(session, name, platform, console)
        finally:
            console.close()
        if not quiet and digest:
            out(f"Digest: {digest}\n")
        out(printable(reference) + "\n")
        return 0

    return in_session(ctx, work)


@click.command("push")
@click.argument("name", metavar="NAME[:TAG]")
@click.option("-q", "--quiet", is_flag=True, help="Print the digest only.")
@click.option(
    "--compression",
    type=click.Choice(["gzip", "zstd", "uncompressed"]),
    default="gzip",
    help="Of layers that were made here.",
)
@click.pass_context
def push(ctx: click.Context, name: str, compression: str, *, quiet: bool) -> int:
    """Upload an image to the registry that its name tells."""
    output = RegistryOutput(compression=cast("LayerCompression", compression))

    def work(session: Session) -> int:
        console = make_transfer_console("push", name, os.environ, quiet=quiet)
        try:
            digest = api.push(session, name, output, console)
        finally:
            console.close()
        out(f"{digest}\n")
        return 0

    return in_session(ctx, work)

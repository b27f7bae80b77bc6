"""``jettison merge``: one name for images of several platforms in a registry."""

from __future__ import annotations

import os

import click

from jettison.api.merge import merge as merge_images
from jettison.api.session import Session
from jettison.cli.flags import DockerCommand
from jettison.cli.outputs import parse_annotation
from jettison.cli.session import in_session
from jettison.cli.values import texts
from jettison.console.select import make_transfer_console
from jettison.console.terminal import out


@click.command("merge", cls=DockerCommand)
@click.argument("name", metavar="NAME[:TAG]")
@click.argument("sources", metavar="SOURCE...", nargs=-1, required=True)
@click.option("--append", is_flag=True, help="Add to what has the name already.")
@click.option(
    "--annotation",
    "annotations",
    multiple=True,
    metavar="[index:]KEY=VALUE",
    help="Annotate the index; repeatable.",
)
@click.option("--dry-run", is_flag=True, help="Write nothing; print the index.")
@click.option("-q", "--quiet", is_flag=True, help="Print the digest only.")
@click.pass_context
def merge(ctx: click.Context, /, name: str, sources: tuple[str, ...], **flags: object) -> int:
    """Make one image for several platforms of images that are in a registry."""
    dry = bool(flags["dry_run"])
    notes = [
        note
        for text in texts(flags, "annotations")
        for note in parse_annotation(text if ":" in text.partition("=")[0] else f"index:{text}")
    ]

    def work(session: Session) -> int:
        console = make_transfer_console("push", name, os.environ, quiet=dry or bool(flags["quiet"]))
        try:
            made = merge_images(
                session,
                name,
                sources,
                console,
                append=bool(flags["append"]),
                annotations=notes,
                dry=dry,
            )
        finally:
            console.close()
        out(f"{made.data.decode()}\n" if dry else f"{made.descriptor.digest}\n")
        return 0

    return in_session(ctx, work)

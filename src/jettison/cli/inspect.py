"""``jettison inspect``: all facts of containers and images."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click

from jettison.api.session import Session
from jettison.cli import options
from jettison.cli.flags import DockerCommand
from jettison.cli.listing import rendered
from jettison.cli.session import in_session
from jettison.console.terminal import out, out_json
from jettison.errors import ContainerError, ImageNotFoundError, InvalidReferenceError, UsageError


@click.command("inspect", cls=DockerCommand)
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option("-f", "--format", "form", default="", help="json, or a template: {{.Config.Env}}.")
@click.option("--type", "kind", default="", metavar="TYPE", help="container or image.")
@click.option("-s", "--size", is_flag=True, help="Sizes of containers, too.")
@options.platform("Of the image for this platform.")
@click.pass_context
def inspect(ctx: click.Context, /, names: tuple[str, ...], **flags: object) -> int:
    """Show all facts of containers, or else images, as JSON."""
    kind = str(flags["kind"])
    if kind not in {"", "container", "image"}:
        raise UsageError(
            f"--type `{kind}` is not known: only containers and images are inspected",
            hint="leave it out",
        )
    return _show(ctx, names, kind, flags)


@click.command("inspect", cls=DockerCommand)
@click.argument("names", metavar="CONTAINER...", nargs=-1, required=True)
@click.option("-f", "--format", "form", default="", help="json, or a template: {{.Config.Env}}.")
@click.option("-s", "--size", is_flag=True, help="Sizes, too.")
@click.pass_context
def container_inspect(ctx: click.Context, /, names: tuple[str, ...], **flags: object) -> int:
    """Show all facts of containers as JSON."""
    return _show(ctx, names, "container", flags)


@click.command("inspect", cls=DockerCommand)
@click.argument("names", metavar="IMAGE...", nargs=-1, required=True)
@click.option("-f", "--format", "form", default="", help="json, or a template: {{.Config.Env}}.")
@options.platform("Of the image for this platform.")
@click.pass_context
def image_inspect(ctx: click.Context, /, names: tuple[str, ...], **flags: object) -> int:
    """Show all facts of images as JSON."""
    return _show(ctx, names, "image", flags)


def _show(
    ctx: click.Context, names: tuple[str, ...], kind: str, flags: Mapping[str, object]
) -> int:
    form = str(flags["form"])

    def work(session: Session) -> int:
        documents = [_document(session, name, kind, flags) for name in names]
        if form and form != "json":
            from jettison.cli.documents import document_struct

            for document in documents:
                out(rendered(form, document_struct(document)))
        elif form:
            out_json("".join(json.dumps(each) + "\n" for each in documents))
        else:
            out_json(json.dumps(documents, indent=4) + "\n")
        return 0

    return in_session(ctx, work)


def _document(
    session: Session, name: str, kind: str, flags: Mapping[str, object]
) -> dict[str, Any]:
    """Return the facts of the container or image of a name.

    Raises:
        ContainerError: there is none of either.
    """
    from jettison.api.container_document import inspect_container

    if kind != "image":
        try:
            return inspect_container(session, name, sizes=bool(flags.get("size")))
        except ContainerError:
            if kind:
                raise
    from jettison.api.images import inspect_image

    try:
        return inspect_image(session, name, str(flags.get("platform") or ""))
    except (ImageNotFoundError, InvalidReferenceError) as error:
        if kind:
            raise
        raise ContainerError(
            f"No such object: {name}", hint="`jettison ps -a` and `jettison images` list them"
        ) from error

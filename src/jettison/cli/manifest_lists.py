"""``jettison manifest create`` and the like: docker's commands for lists, and buildah's."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import click

from jettison.api import manifest_lists as api
from jettison.api.manifest_lists import Annotated
from jettison.api.session import Session
from jettison.cli.copy import write_digest
from jettison.cli.flags import DockerCommand
from jettison.cli.main import settings_of
from jettison.cli.options import Decorator, all_of
from jettison.cli.session import in_session
from jettison.console.select import make_transfer_console
from jettison.console.terminal import out
from jettison.errors import UsageError
from jettison.exporter.copying.place import parse_place


def _insecure() -> Decorator:
    return click.option(
        "--insecure", is_flag=True, help="Speak to the registries without TLS checks."
    )


def _everything() -> Decorator:
    return click.option("--all", "everything", is_flag=True, help="Of an index all images.")


def _annotations(what: str) -> Decorator:
    return click.option(
        "--annotation",
        "annotations",
        multiple=True,
        metavar="NAME=VALUE",
        help=f"Annotation of {what}.",
    )


def _platform() -> Decorator:
    return all_of(
        click.option("--os", default="", metavar="OS", help="Its operating system."),
        click.option("--arch", default="", metavar="ARCH", help="Its architecture."),
        click.option("--variant", default="", metavar="VARIANT", help="Of the architecture."),
        click.option("--os-version", default="", metavar="VERSION", help="Of the system."),
        click.option(
            "--os-features", multiple=True, metavar="FEATURE", help="That the system must have."
        ),
        _annotations("the image in the list"),
    )


@click.command("create", cls=DockerCommand)
@click.argument("name", metavar="LIST")
@click.argument("images", metavar="IMAGE...", nargs=-1)
@click.option("-a", "--amend", is_flag=True, help="Add to a list that is there.")
@_everything()
@_annotations("the list")
@_insecure()
@click.pass_context
def manifest_create(ctx: click.Context, /, name: str, images: tuple[str, ...], **flags: Any) -> int:  # noqa: ANN401
    """Make a list of images for several platforms, which are in the store or in registries."""
    notes = _pairs(flags["annotations"])

    def work(session: Session) -> int:
        full = api.create_list(
            session,
            name,
            images,
            amend=flags["amend"],
            everything=flags["everything"],
            annotations=notes,
        )
        out(f"Created manifest list {full}\n")
        return 0

    return _in_session(ctx, work, images if flags["insecure"] else ())


@click.command("add", cls=DockerCommand)
@click.argument("name", metavar="LIST")
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True)
@_everything()
@_platform()
@_insecure()
@click.pass_context
def manifest_add(ctx: click.Context, /, name: str, images: tuple[str, ...], **flags: Any) -> int:  # noqa: ANN401
    """Add images to a list."""
    said = _annotated(flags)

    def work(session: Session) -> int:
        digest = api.add_to_list(session, name, images, said, everything=flags["everything"])
        out(f"{digest}\n")
        return 0

    return _in_session(ctx, work, images if flags["insecure"] else ())


@click.command("annotate", cls=DockerCommand)
@click.argument("name", metavar="LIST")
@click.argument("image", metavar="IMAGE", default="")
@_platform()
@click.option("--index", "of_index", is_flag=True, help="Annotate the list itself.")
@click.pass_context
def manifest_annotate(ctx: click.Context, /, name: str, image: str, **flags: Any) -> int:  # noqa: ANN401
    """Say what an image of a list is for."""
    said = _annotated(flags)
    if flags["of_index"] == bool(image):
        raise UsageError("name one image of the list, or use --index")

    def work(session: Session) -> int:
        api.annotate_list(session, name, image, said)
        return 0

    return in_session(ctx, work)


@click.command("remove", cls=DockerCommand)
@click.argument("name", metavar="LIST")
@click.argument("image", metavar="IMAGE")
@click.pass_context
def manifest_remove(ctx: click.Context, /, name: str, image: str) -> int:
    """Take an image out of a list."""

    def work(session: Session) -> int:
        out(f"{api.remove_from_list(session, name, image)}\n")
        return 0

    return in_session(ctx, work)


@click.command("push", cls=DockerCommand)
@click.argument("name", metavar="LIST")
@click.argument("target", metavar="[DESTINATION]", default="")
@click.option("-p", "--purge", "--rm", "purge", is_flag=True, help="Remove the list afterwards.")
@click.option("--all", "everything", is_flag=True, help="With all its images (as without it).")
@click.option("--digestfile", default="", metavar="FILE", help="Write the digest to a file.")
@click.option("-q", "--quiet", is_flag=True, help="Print the digest only.")
@_insecure()
@click.pass_context
def manifest_push(ctx: click.Context, /, name: str, target: str, **flags: Any) -> int:  # noqa: ANN401
    """Write a list with its images to the registry that its name tells, or to another place."""

    def work(session: Session) -> int:
        console = make_transfer_console("push", name, os.environ, quiet=flags["quiet"])
        try:
            digest = api.push_list(session, name, target, console, purge=flags["purge"])
        finally:
            console.close()
        if flags["digestfile"]:
            write_digest(flags["digestfile"], digest)
        out(f"{digest}\n")
        return 0

    return _in_session(ctx, work, (target or name,) if flags["insecure"] else ())


@click.command("rm", cls=DockerCommand)
@click.argument("names", metavar="LIST...", nargs=-1, required=True)
@click.pass_context
def manifest_rm(ctx: click.Context, /, names: tuple[str, ...]) -> int:
    """Remove lists; their images stay."""

    def work(session: Session) -> int:
        for each in api.remove_lists(session, names):
            out(f"{each}\n")
        return 0

    return in_session(ctx, work)


@click.command("exists", cls=DockerCommand)
@click.argument("name", metavar="LIST")
@click.pass_context
def manifest_exists(ctx: click.Context, /, name: str) -> int:
    """Return status 0 if there is such a list, and 1 if there is none."""
    return in_session(ctx, lambda session: 0 if api.has_list(session, name) else 1)


def _in_session(ctx: click.Context, work: Any, places: Sequence[str]) -> int:  # noqa: ANN401
    """Open a session that speaks to the registries of some places without TLS checks."""
    found = [place.reference for place in map(parse_place, places)]
    registries = [each.registry for each in found if each is not None]
    known = settings_of(ctx).insecure_registries
    return in_session(ctx, work, insecure_registries=(*known, *registries))


def _annotated(flags: dict[str, Any]) -> Annotated:
    return Annotated(
        os=flags["os"],
        architecture=flags["arch"],
        variant=flags["variant"],
        os_version=flags["os_version"],
        os_features=tuple(
            each for given in flags["os_features"] for each in given.split(",") if each
        ),
        annotations=_pairs(flags["annotations"]),
    )


def _pairs(texts: Sequence[str]) -> dict[str, str]:
    pairs = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise UsageError(f"`--annotation` needs NAME=VALUE, not `{text}`")
        pairs[name] = value
    return pairs

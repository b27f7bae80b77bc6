"""Commands about images of the local store: images, tag, rmi, inspect, history."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable

import click

from jettison.api import images as api
from jettison.api.request import ImageSummary
from jettison.api.session import Session
from jettison.cli.session import confirmed, in_session
from jettison.cli.table import ago, table
from jettison.cli.values import pairs, texts
from jettison.console.plain import size
from jettison.console.terminal import out, out_json
from jettison.errors import UsageError
from jettison.linux.text import printable
from jettison.oci.digest import short


@click.command("images")
@click.argument("repository", default="")
@click.option("-a", "--all", is_flag=True, hidden=True)
@click.option(
    "-f",
    "--filter",
    "filters",
    multiple=True,
    metavar="NAME=VALUE",
    help="dangling=true|false, reference=PATTERN",
)
@click.option("-q", "--quiet", is_flag=True, help="IDs only.")
@click.option("--no-trunc", is_flag=True, help="Do not shorten IDs.")
@click.option("--digests", is_flag=True, help="Show digests of manifests.")
@click.option("--format", "form", default="", help="table or json.")
@click.pass_context
def images(ctx: click.Context, /, repository: str, **flags: object) -> int:
    """List images, newest first."""
    wanted = filters(texts(flags, "filters"))
    name = wanted.get("reference", repository)
    dangling = {"true": True, "false": False}.get(wanted.get("dangling", ""))

    def work(session: Session) -> int:
        found = api.list_images(session, name, dangling=dangling)
        if flags["quiet"]:
            ids = dict.fromkeys(each.id if flags["no_trunc"] else short(each.id) for each in found)
            out("".join(f"{each}\n" for each in ids))
            return 0
        if flags["form"] == "json":
            for each in found:
                row = {
                    "Repository": each.repository,
                    "Tag": each.tag,
                    "ID": each.id,
                    "CreatedAt": each.created,
                    "Size": size(each.size_bytes),
                }
                out_json(json.dumps(row) + "\n")
            return 0
        titles = ["REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE"]
        if flags["digests"]:
            titles.insert(2, "DIGEST")
        rows = [_row(each, flags) for each in found]
        out(table(titles, rows))
        return 0

    return in_session(ctx, work)


def filters(given: Iterable[str]) -> dict[str, str]:
    """Return the values of ``--filter`` by name.

    Raises:
        UsageError: there is no such filter.
    """
    found = pairs("--filter", given)
    unknown = sorted(found.keys() - {"dangling", "reference"})
    if unknown or found.get("dangling", "true") not in {"true", "false"}:
        name = unknown[0] if unknown else f"dangling={found['dangling']}"
        raise UsageError(f"unknown filter `{name}`", hint="use dangling=true|false or reference=…")
    return found


def _row(image: ImageSummary, flags: dict[str, object]) -> list[str]:
    name = image.id if flags["no_trunc"] else short(image.id)
    age = ago(time.time() - api.epoch(image.created)) if image.created else "N/A"
    row = [image.repository, image.tag, name, age, size(image.size_bytes)]
    if flags["digests"]:
        row.insert(2, image.digest or "<none>")
    return row


@click.command("tag")
@click.argument("source", metavar="SOURCE_IMAGE[:TAG]")
@click.argument("target", metavar="TARGET_IMAGE[:TAG]")
@click.pass_context
def tag(ctx: click.Context, source: str, target: str) -> int:
    """Make TARGET_IMAGE another name of SOURCE_IMAGE."""

    def work(session: Session) -> int:
        api.tag_image(session, source, target)
        return 0

    return in_session(ctx, work)


@click.command("rmi")
@click.argument("names", metavar="IMAGE...", nargs=-1, required=True)
@click.option(
    "-f", "--force", is_flag=True, help="No error for an unknown image; remove all its names."
)
@click.pass_context
def rmi(ctx: click.Context, names: tuple[str, ...], *, force: bool) -> int:
    """Remove names of images, and images that have no name left."""

    def work(session: Session) -> int:
        for line in api.remove_images(session, names, force=force):
            out(printable(line) + "\n")
        return 0

    return in_session(ctx, work)


@click.command("inspect")
@click.argument("names", metavar="IMAGE...", nargs=-1, required=True)
@click.option("-f", "--format", "form", default="", help="A path such as {{.Config.Env}}, or json.")
@click.pass_context
def inspect(ctx: click.Context, names: tuple[str, ...], form: str) -> int:
    """Show all facts of images as JSON."""

    def work(session: Session) -> int:
        documents = [api.inspect_image(session, name) for name in names]
        if form and form != "json":
            for document in documents:
                out(api.select(document, form) + "\n")
        else:
            out_json(json.dumps(documents, indent=4) + "\n")
        return 0

    return in_session(ctx, work)


@click.command("history")
@click.argument("name", metavar="IMAGE")
@click.option("--no-trunc", is_flag=True, help="Do not shorten texts.")
@click.option("-q", "--quiet", is_flag=True, help="IDs only.")
@click.pass_context
def history(ctx: click.Context, name: str, *, no_trunc: bool, quiet: bool) -> int:
    """Show the instructions that made an image, the latest first."""

    def work(session: Session) -> int:
        rows = []
        for entry in api.image_history(session, name):
            text = printable(entry.created_by)
            text = text if no_trunc or len(text) <= 45 else text[:44] + "…"
            image_id = str(entry.id or "<missing>")
            if entry.id is not None and not no_trunc:
                image_id = short(entry.id)
            if quiet:
                out(image_id + "\n")
                continue
            age = ago(time.time() - api.epoch(entry.created)) if entry.created else "N/A"
            rows.append([image_id, age, text, size(entry.size_bytes), entry.comment])
        if not quiet:
            out(table(["IMAGE", "CREATED", "CREATED BY", "SIZE", "COMMENT"], rows))
        return 0

    return in_session(ctx, work)


@click.command("prune")
@click.option("-a", "--all", "everything", is_flag=True, hidden=True)
@click.option("-f", "--force", is_flag=True, help="Do not ask.")
@click.pass_context
def image_prune(ctx: click.Context, *, everything: bool, force: bool) -> int:
    """Remove images that were built and have no name any more."""
    if everything:
        raise UsageError(
            "no container outlives its command, so no image is in use",
            hint="remove images by name: `jettison rmi NAME...`",
        )
    if not confirmed("This removes all images without a name.", force=force):
        return 0

    def work(session: Session) -> int:
        for image_id in api.remove_nameless(session):
            out(f"Deleted: {image_id}\n")
        return 0

    return in_session(ctx, work)

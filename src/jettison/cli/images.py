"""Commands about images of the local store: images, tag, rmi, inspect, history."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from datetime import UTC, datetime

import click

from jettison.api import images as api
from jettison.api.images import HistoryRow
from jettison.api.request import ImageSummary
from jettison.api.session import Session
from jettison.cli.listing import Listing
from jettison.cli.session import confirmed, in_session
from jettison.cli.table import ago
from jettison.cli.values import pairs, texts
from jettison.console.plain import size
from jettison.console.terminal import out, out_json
from jettison.errors import UsageError
from jettison.linux.text import printable
from jettison.oci.digest import short

_TEXT = 45
"""How much of an instruction a table shows."""


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
@click.option("--format", "form", default="", help="table, json or a template.")
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
        shown = ["Repository", "Tag", "ID", "CreatedSince", "Size"]
        if flags["digests"]:
            shown.insert(2, "Digest")
        listing = Listing("*formatter.imageContext", _HEADINGS, shown)
        rows = [_row(each, full=bool(flags["no_trunc"])) for each in found]
        out(listing.render(str(flags["form"]), rows))
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


_HEADINGS = {
    "Repository": "REPOSITORY",
    "Tag": "TAG",
    "Digest": "DIGEST",
    "ID": "IMAGE ID",
    "CreatedSince": "CREATED",
    "CreatedAt": "CREATED AT",
    "Size": "SIZE",
    "VirtualSize": "SIZE",
    "SharedSize": "SHARED SIZE",
    "UniqueSize": "UNIQUE SIZE",
    "Containers": "CONTAINERS",
}


def _row(image: ImageSummary, *, full: bool) -> dict[str, str]:
    return {
        "Repository": image.repository,
        "Tag": image.tag,
        "Digest": image.digest or "<none>",
        "ID": image.id if full else short(image.id),
        "CreatedSince": _since(image.created),
        "CreatedAt": _at(image.created),
        "Size": size(image.size_bytes),
        "VirtualSize": size(image.size_bytes),
        "SharedSize": "N/A",
        "UniqueSize": "N/A",
        "Containers": "N/A",
    }


def _since(created: str) -> str:
    return ago(time.time() - api.epoch(created)) if created else "N/A"


def _at(created: str) -> str:
    """Return a time as Go prints it: ``2025-06-01 00:00:00 +0000 UTC``."""
    if not created:
        return "0001-01-01 00:00:00 +0000 UTC"
    moment = datetime.fromtimestamp(api.epoch(created), UTC)
    return f"{moment:%Y-%m-%d %H:%M:%S} +0000 UTC"


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
@click.option("-f", "--format", "form", default="", help="json, or a template: {{.Config.Env}}.")
@click.pass_context
def inspect(ctx: click.Context, names: tuple[str, ...], form: str) -> int:
    """Show all facts of images as JSON."""

    def work(session: Session) -> int:
        documents = [api.inspect_image(session, name) for name in names]
        if form and form != "json":
            from jettison.cli.documents import image_document
            from jettison.console.template.evaluate import Template

            template = Template(form)
            for document in documents:
                out(template.render(image_document(document)) + "\n")
        elif form:
            out_json("".join(json.dumps(each) + "\n" for each in documents))
        else:
            out_json(json.dumps(documents, indent=4) + "\n")
        return 0

    return in_session(ctx, work)


@click.command("history")
@click.argument("name", metavar="IMAGE")
@click.option("--no-trunc", is_flag=True, help="Do not shorten texts.")
@click.option("-q", "--quiet", is_flag=True, help="IDs only.")
@click.option("--format", "form", default="", help="table, json or a template.")
@click.pass_context
def history(ctx: click.Context, name: str, *, no_trunc: bool, quiet: bool, form: str) -> int:
    """Show the instructions that made an image, the latest first."""

    def work(session: Session) -> int:
        rows = [_entry(each, full=no_trunc) for each in api.image_history(session, name)]
        if quiet:
            out("".join(f"{row['ID']}\n" for row in rows))
            return 0
        headings = {
            "ID": "IMAGE",
            "CreatedSince": "CREATED",
            "CreatedAt": "CREATED AT",
            "CreatedBy": "CREATED BY",
            "Size": "SIZE",
            "Comment": "COMMENT",
        }
        shown = [each for each in headings if each != "CreatedAt"]
        out(Listing("*formatter.historyContext", headings, shown).render(form, rows))
        return 0

    return in_session(ctx, work)


def _entry(entry: HistoryRow, *, full: bool) -> dict[str, str]:
    text = printable(entry.created_by)
    image_id = "<missing>" if entry.id is None else entry.id if full else short(entry.id)
    return {
        "ID": image_id,
        "CreatedSince": _since(entry.created),
        "CreatedAt": entry.created,
        "CreatedBy": text if full or len(text) <= _TEXT else f"{text[: _TEXT - 1]}…",
        "Size": size(entry.size_bytes),
        "Comment": entry.comment,
    }


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

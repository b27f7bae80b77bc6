"""Commands about images of the local store: images, tag, rmi, history."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import click

from jettison.api import images as api
from jettison.api.images import HistoryRow
from jettison.api.request import ImageSummary
from jettison.api.session import Session
from jettison.cli import options
from jettison.cli.filters import image_filter, parse_filters
from jettison.cli.flags import DockerCommand
from jettison.cli.listing import Listing
from jettison.cli.session import in_session
from jettison.cli.table import ago
from jettison.cli.values import texts
from jettison.console.plain import size
from jettison.console.terminal import err, out
from jettison.errors import ImageNotFoundError
from jettison.image.names import find_image
from jettison.linux.text import printable
from jettison.oci.digest import short
from jettison.oci.times import epoch

_FILTERS = ("before", "dangling", "label", "reference", "since", "until")
_TEXT = 45
"""How much of an instruction a table shows."""


@click.command("images", cls=DockerCommand)
@click.argument("repository", default="")
@click.option("-a", "--all", is_flag=True, hidden=True)
@options.filters(
    "dangling=true|false, reference=PATTERN, label=…, before=, since=IMAGE, until=TIME", letter=True
)
@click.option("-q", "--quiet", is_flag=True, help="IDs only.")
@click.option("--no-trunc", is_flag=True, help="Do not shorten IDs.")
@click.option("--digests", is_flag=True, help="Show digests of manifests.")
@click.option("--format", "form", default="", help="table, json or a template.")
@click.pass_context
def images(ctx: click.Context, /, repository: str, **flags: object) -> int:
    """List images, newest first."""
    found = parse_filters(texts(flags, "filters"), _FILTERS, command="images")
    wanted = image_filter(found, pattern=repository)

    def work(session: Session) -> int:
        found = api.list_images(session, wanted)
        if flags["quiet"]:
            ids = dict.fromkeys(each.id if flags["no_trunc"] else short(each.id) for each in found)
            out("".join(f"{each}\n" for each in ids))
            return 0
        shown = ["Repository", "Tag", "ID", "CreatedSince", "Size"]
        if flags["digests"]:
            shown.insert(2, "Digest")
        listing = Listing("*formatter.imageContext", HEADINGS, shown)
        rows = [row_of(each, full=bool(flags["no_trunc"])) for each in found]
        out(listing.render(str(flags["form"]), rows))
        return 0

    return in_session(ctx, work)


HEADINGS = {
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


def row_of(image: ImageSummary, *, full: bool) -> dict[str, str]:
    """Return the fields of a name of an image as lists show them."""
    return {
        "Repository": image.repository,
        "Tag": image.tag,
        "Digest": image.digest or "<none>",
        "ID": image.id if full else short(image.id),
        "CreatedSince": _since(image.created),
        "CreatedAt": _at(image.created),
        "Size": size(image.size_bytes, 3),
        "VirtualSize": size(image.size_bytes),
        "SharedSize": "N/A",
        "UniqueSize": "N/A",
        "Containers": "0",
    }


def _since(created: str) -> str:
    return ago(time.time() - epoch(created)) if created else "N/A"


def _at(created: str) -> str:
    """Return a time as Go prints it: ``2025-06-01 00:00:00 +0000 UTC``."""
    if not created:
        return "0001-01-01 00:00:00 +0000 UTC"
    moment = datetime.fromtimestamp(epoch(created), UTC)
    return f"{moment:%Y-%m-%d %H:%M:%S} +0000 UTC"


@click.command("tag", cls=DockerCommand)
@click.argument("source", metavar="SOURCE_IMAGE[:TAG]")
@click.argument("target", metavar="TARGET_IMAGE[:TAG]")
@click.pass_context
def tag(ctx: click.Context, source: str, target: str) -> int:
    """Make TARGET_IMAGE another name of SOURCE_IMAGE."""

    def work(session: Session) -> int:
        api.tag_image(session, source, target)
        return 0

    return in_session(ctx, work)


@click.command("rmi", cls=DockerCommand)
@click.argument("names", metavar="IMAGE...", nargs=-1, required=True)
@click.option(
    "-f", "--force", is_flag=True, help="No error for an unknown image; remove all its names."
)
@click.option("--no-prune", is_flag=True, hidden=True)
@options.platforms("Fail unless it is for this platform.")
@click.pass_context
def rmi(ctx: click.Context, /, names: tuple[str, ...], *, force: bool, **flags: object) -> int:
    """Remove names of images, and images that have no name left."""

    def work(session: Session) -> int:
        for platform in texts(flags, "platforms"):
            for name in names:
                api.require_only_platform(session, name, platform)
        for name in names if force else ():
            try:
                find_image(session.store, name)
            except ImageNotFoundError as error:
                err(f"{error.message}\n")
        for line in api.remove_images(session, names, force=force):
            out(printable(line) + "\n")
        return 0

    return in_session(ctx, work)


@click.command("history", cls=DockerCommand)
@click.argument("name", metavar="IMAGE")
@click.option("--no-trunc", is_flag=True, help="Do not shorten texts.")
@click.option("-q", "--quiet", is_flag=True, help="IDs only.")
@click.option(
    "-H", "--human/--no-human", default=True, help="Sizes and times for people, or for programs."
)
@click.option("--format", "form", default="", help="table, json or a template.")
@options.platform("Of the image for this platform.")
@click.pass_context
def history(ctx: click.Context, /, name: str, **flags: object) -> int:
    """Show the instructions that made an image, the latest first."""
    full, human = bool(flags["no_trunc"]), bool(flags["human"])

    def work(session: Session) -> int:
        entries = api.image_history(session, name, str(flags["platform"]))
        rows = [_entry(each, full=full, human=human) for each in entries]
        if flags["quiet"]:
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
        form = str(flags["form"])
        out(Listing("*formatter.historyContext", headings, shown).render(form, rows))
        return 0

    return in_session(ctx, work)


def _entry(entry: HistoryRow, *, full: bool, human: bool) -> dict[str, str]:
    text = printable(entry.created_by)
    image_id = "<missing>" if entry.id is None else entry.id if full else short(entry.id)
    return {
        "ID": image_id,
        "CreatedSince": _since(entry.created) if human else entry.created,
        "CreatedAt": entry.created,
        "CreatedBy": text if full or len(text) <= _TEXT else f"{text[: _TEXT - 1]}…",
        "Size": size(entry.size_bytes, 3) if human else str(entry.size_bytes),
        "Comment": entry.comment,
    }

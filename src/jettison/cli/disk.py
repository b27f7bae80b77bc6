"""Commands about the store's disk: du, system df, fsck."""

from __future__ import annotations

import time

import click

from jettison.api import disk as api
from jettison.api.session import Session
from jettison.cli import options
from jettison.cli.filters import parse_filters, until
from jettison.cli.flags import DockerCommand, tell_ignored
from jettison.cli.listing import Listing
from jettison.cli.session import in_session
from jettison.cli.table import ago
from jettison.cli.values import texts
from jettison.console.plain import size
from jettison.console.terminal import out, out_json
from jettison.linux.text import printable

DU_HEADINGS = {
    "ID": "ID",
    "Size": "SIZE",
    "NeededBy": "NEEDED BY",
    "LastUsedAt": "LAST USED",
    "Description": "MADE BY",
    "Type": "TYPE",
    "Reclaimable": "RECLAIMABLE",
}


@click.command("du", cls=DockerCommand)
@click.option("--format", "form", default="", help="table, json or a template.")
@click.pass_context
def du(ctx: click.Context, form: str) -> int:
    """Show layers and cache mounts, the largest first, and what keeps them."""

    def work(session: Session) -> int:
        rows = api.disk_usage(session)
        shown = ["ID", "Size", "NeededBy", "LastUsedAt", "Description"]
        listing = Listing("*formatter.diskUsageContext", DU_HEADINGS, shown)
        out(listing.render(form, [_du_row(row) for row in rows]))
        if form in {"", "table"}:
            free = sum(row.size_bytes for row in rows if not row.needed_by)
            total = sum(row.size_bytes for row in rows)
            out(f"Total: {size(total)}, cache only: {size(free)}\n")
        return 0

    return in_session(ctx, work)


def _du_row(row: api.DiskRow) -> dict[str, object]:
    return {
        "ID": row.short_id,
        "Size": size(row.size_bytes),
        "NeededBy": row.needed_by or "-",
        "LastUsedAt": _since(row),
        "Description": printable(row.name)[:60],
        "Type": row.kind,
        "Reclaimable": not row.needed_by,
    }


def _since(row: api.DiskRow) -> str:
    return ago((time.time_ns() - row.used_ns) / 1e9) if row.used_ns else "N/A"


@click.command("du", cls=DockerCommand)
@click.option("--format", "form", default="", help="table, json or a template.")
@options.filters("until=…, id=…, type=…")
@click.option("--verbose", is_flag=True, help="Show all facts of each.")
@click.option("--builder", default="", hidden=True)
@click.pass_context
def buildx_du(ctx: click.Context, /, **flags: object) -> int:
    """Show the build cache, as docker's builder shows it."""
    tell_ignored("buildx du", flags)
    found = parse_filters(texts(flags, "filters"), ("until", "id", "type"), command="buildx du")
    before, form = until(found), str(flags["form"])

    def work(session: Session) -> int:
        rows = [row for row in api.disk_usage(session) if _fits(row, found, before)]
        shared = [row for row in rows if row.needed_by == "image"]
        if flags["verbose"]:
            out("\n".join(_block(row) for row in rows))
        else:
            shown = ["ID", "Reclaimable", "Size", "LastUsedAt"]
            headings = {**DU_HEADINGS, "LastUsedAt": "LAST ACCESSED"}
            listing = Listing("*formatter.diskUsageContext", headings, shown)
            lines = [_du_row(row) for row in rows]
            if form in {"", "table"}:
                lines = [{**row, "Reclaimable": _word(row["Reclaimable"])} for row in lines]
            out(listing.render(form, lines))
        if form in {"", "table"}:
            free, total = ([row for row in rows if not row.needed_by], rows)
            parts = {"Shared": shared, "Private": [r for r in rows if r not in shared]}
            for title, of in {**parts, "Reclaimable": free, "Total": total}.items():
                if of or title in {"Reclaimable", "Total"}:
                    out(f"{title + ':':<15}{size(sum(row.size_bytes for row in of))}\n")
        return 0

    return in_session(ctx, work)


def _fits(row: api.DiskRow, found: dict[str, list[str]], before: float | None) -> bool:
    if before is not None and row.used_ns > before * 1e9:
        return False
    ids, kinds = found.get("id", []), found.get("type", [])
    is_meant = not ids or any(row.id.rpartition(":")[2].startswith(each) for each in ids)
    return is_meant and (not kinds or row.kind in kinds)


def _block(row: api.DiskRow) -> str:
    facts = {
        "ID": row.short_id,
        "Reclaimable": _word(not row.needed_by),
        "Shared": _word(row.needed_by == "image"),
        "Size": size(row.size_bytes),
        "Description": printable(row.name),
        "Last used": _since(row),
        "Type": row.kind,
    }
    return "".join(f"{name + ':':<15}{value}\n" for name, value in facts.items())


def _word(value: object) -> str:
    return "true" if value else "false"


@click.command("df", cls=DockerCommand)
@click.option("--format", "form", default="", help="table, json or a template.")
@click.option("-v", "--verbose", is_flag=True, help="Show each image and each part of the cache.")
@click.pass_context
def system_df(ctx: click.Context, form: str, *, verbose: bool) -> int:
    """Show how much of the disk images and build cache take, and how much of it can go."""

    def work(session: Session) -> int:
        from jettison.cli import usage_of_disk

        out(
            usage_of_disk.verbose(session, form) if verbose else usage_of_disk.totals(session, form)
        )
        return 0

    return in_session(ctx, work)


@click.command("fsck", cls=DockerCommand)
@click.option("--repair", is_flag=True, help="Remove what is damaged and can be made again.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@click.pass_context
def fsck(ctx: click.Context, *, repair: bool, form: str) -> int:
    """Check that everything in the store is what its name says.

    The exit status is 0 when nothing is wrong, or nothing is left wrong after --repair, else 1.
    Images are never removed: pull or build again what is reported of them.
    """

    def work(session: Session) -> int:
        import msgspec

        from jettison.api.fsck import check_store

        session.require_namespace()
        problems = check_store(session, repair=repair)
        left = [problem for problem in problems if not problem.repaired]
        if form == "json":
            out_json(msgspec.json.encode(problems).decode() + "\n")
            return 1 if left else 0
        for problem in problems:
            mark = " (repaired)" if problem.repaired else ""
            text = f"{problem.kind} {problem.what}: {problem.text}{mark}"
            out(printable(text) + "\n")
        out(f"{len(problems)} problems, {len(left)} left\n" if problems else "clean\n")
        return 1 if left else 0

    return in_session(ctx, work)

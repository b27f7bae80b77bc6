"""Commands about the store's disk: du, system df, fsck."""

from __future__ import annotations

import click

from jettison.api import disk as api
from jettison.api.session import Session
from jettison.cli import options
from jettison.cli.disk_rows import FILTERS, all_reasons, kept_by, parse_disk_filters, since
from jettison.cli.flags import DockerCommand, tell_ignored
from jettison.cli.listing import Listing
from jettison.cli.session import in_session
from jettison.cli.values import texts
from jettison.console.plain import size
from jettison.console.terminal import out, out_json
from jettison.linux.text import printable

DU_HEADINGS = {
    "ID": "ID",
    "Size": "SIZE",
    "NeededBy": "NEEDED BY",
    "KeptBy": "KEPT BY",
    "Reasons": "KEPT BY",
    "LastUsedAt": "LAST USED",
    "Description": "MADE BY",
    "Type": "TYPE",
    "Reclaimable": "RECLAIMABLE",
    "Shared": "SHARED",
    "Mutable": "MUTABLE",
    "InUse": "IN USE",
}


@click.command("du", cls=DockerCommand)
@click.option("--format", "form", default="", help="table, json or a template.")
@options.filters(f"Only what fits: {', '.join(FILTERS)} (=, and != or ~= for some).")
@click.option("--verbose", is_flag=True, help="Show all facts of each, and all that keeps it.")
@click.pass_context
def du(ctx: click.Context, /, **flags: object) -> int:
    """Show layers, cache mounts and the like, the largest first, and what keeps them."""
    wanted = parse_disk_filters(texts(flags, "filters"), command="du")
    form = str(flags["form"])

    def work(session: Session) -> int:
        rows = [row for row in api.disk_usage(session) if wanted.fits(row)]
        if flags["verbose"]:
            out("\n".join(_block(row) for row in rows))
            out("\n" if rows else "")
        else:
            shown = ["ID", "Size", "KeptBy", "LastUsedAt", "Description"]
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
        "KeptBy": kept_by(row),
        "Reasons": "; ".join(all_reasons(row)),
        "LastUsedAt": since(row),
        "Description": printable(row.name)[:60],
        "Type": row.kind,
        "Reclaimable": not row.needed_by,
        "Shared": row.is_shared,
        "Mutable": row.is_mutable,
        "InUse": row.in_use,
    }


@click.command("du", cls=DockerCommand)
@click.option("--format", "form", default="", help="table, json or a template.")
@options.filters(f"Only what fits: {', '.join(FILTERS)} (=, and != or ~= for some).")
@click.option("--verbose", is_flag=True, help="Show all facts of each.")
@click.option("--builder", default="", hidden=True)
@click.pass_context
def buildx_du(ctx: click.Context, /, **flags: object) -> int:
    """Show the build cache, as docker's builder shows it."""
    tell_ignored("buildx du", flags)
    wanted = parse_disk_filters(texts(flags, "filters"), command="buildx du")
    form = str(flags["form"])

    def work(session: Session) -> int:
        rows = [row for row in api.disk_usage(session) if wanted.fits(row)]
        shared = [row for row in rows if row.is_shared]
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


def _block(row: api.DiskRow) -> str:
    facts = [
        ("ID", row.short_id),
        ("Reclaimable", _word(not row.needed_by)),
        ("Shared", _word(row.is_shared)),
        ("Mutable", _word(row.is_mutable)),
        ("In use", _word(row.in_use)),
        ("Size", size(row.size_bytes)),
        ("Description", printable(row.name)),
        ("Last used", since(row)),
        ("Type", row.kind),
        *(("Kept by", printable(each)) for each in all_reasons(row)),
    ]
    return "".join(f"{name + ':':<15}{value}\n" for name, value in facts)


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

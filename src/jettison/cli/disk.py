"""Commands about the store's disk: du, prune, fsck."""

from __future__ import annotations

import time

import click

from jettison.api import disk as api
from jettison.api.images import remove_nameless
from jettison.api.session import Session
from jettison.cli.session import confirmed, in_session
from jettison.cli.table import ago, table
from jettison.cli.values import parse_size
from jettison.console.plain import size
from jettison.console.terminal import out, out_json
from jettison.linux.text import printable


@click.command("du")
@click.pass_context
def du(ctx: click.Context) -> int:
    """Show layers and cache mounts, the largest first, and what keeps them."""

    def work(session: Session) -> int:
        rows = api.disk_usage(session)
        now = time.time_ns()
        lines = [
            [
                _short(row),
                size(row.size_bytes),
                row.needed_by or "-",
                ago((now - row.used_ns) / 1e9) if row.used_ns else "N/A",
                printable(row.name)[:60],
            ]
            for row in rows
        ]
        out(table(["ID", "SIZE", "NEEDED BY", "LAST USED", "MADE BY"], lines))
        free = sum(row.size_bytes for row in rows if not row.needed_by)
        total = sum(row.size_bytes for row in rows)
        out(f"Total: {size(total)}, cache only: {size(free)}\n")
        return 0

    return in_session(ctx, work)


def _short(row: api.DiskRow) -> str:
    return row.id.rpartition(":")[2][:12]


@click.command("prune")
@click.option("-a", "--all", "everything", is_flag=True, help="All of the build cache.")
@click.option("-f", "--force", is_flag=True, help="Do not ask.")
@click.option(
    "--max-used-space",
    "--keep-storage",
    default="",
    metavar="SIZE",
    help="Remove the least recently used of the build cache until it is no larger.",
)
@click.pass_context
def prune(ctx: click.Context, *, everything: bool, force: bool, max_used_space: str) -> int:
    """Remove images without a name, layers and blobs that nothing needs, and dead files.

    With --all also the whole build cache with all cache mounts.
    """
    limit = parse_size("--max-used-space", max_used_space) if max_used_space else None

    def work(session: Session) -> int:
        session.require_namespace()
        if not confirmed("This removes the whole build cache.", force=force or not everything):
            return 0
        images = remove_nameless(session)
        done = api.prune(session, everything=everything, max_bytes=limit)
        lines = [[each.rpartition(":")[2][:12], "-", "image without a name"] for each in images]
        lines += [
            [_short(row), size(row.size_bytes), printable(row.name)[:60]] for row in done.rows
        ]
        if lines:
            out(table(["REMOVED", "SIZE", "MADE BY"], lines))
        out(
            f"Removed {len(images)} images, {done.records} records, {done.layers} layers, "
            f"{done.blobs} blobs, {done.cache_mounts} cache mounts and git repositories\n"
            f"Total reclaimed space: {size(done.freed_bytes)}\n"
        )
        return 0

    return in_session(ctx, work)


@click.command("fsck")
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

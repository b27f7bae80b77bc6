"""Commands that remove what nothing uses: prune, image prune, builder prune, system prune.

Each says what it will remove and asks, says what it removed, and, on standard error, what a
running build or container held back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from jettison.api.disk import DiskRow
from jettison.api.filters import ImageFilter
from jettison.api.images import prune_images
from jettison.api.prune import Pruned, Space
from jettison.api.prune import prune as prune_store
from jettison.api.session import Session
from jettison.cli import options
from jettison.cli.filters import image_filter, parse_filters, until
from jettison.cli.flags import DockerCommand, tell_ignored
from jettison.cli.session import confirmed, in_session
from jettison.cli.table import table
from jettison.cli.values import texts
from jettison.console.plain import size
from jettison.console.terminal import err, out
from jettison.errors import UsageError
from jettison.linux.text import printable
from jettison.oci.digest import short
from jettison.settings import parse_size

_IMAGES = ("until", "label")
_CACHE = ("until", "unused-for", "id", "type")


def _force(function: Callable[..., int]) -> Callable[..., int]:
    return click.option("-f", "--force", is_flag=True, help="Do not ask.")(function)


def _most(function: Callable[..., int]) -> Callable[..., int]:
    return click.option(
        "--max-used-space",
        default="",
        metavar="SIZE",
        help="Remove the least recently used of the build cache until it is no larger.",
    )(function)


def _filtered(names: Sequence[str]) -> Callable[[Any], Any]:
    return options.filters(f"Only what fits: {', '.join(f'{name}=…' for name in names)}")


@click.command("prune", cls=DockerCommand)
@click.option("-a", "--all", "everything", is_flag=True, help="All of the build cache.")
@_force
@_most
@click.pass_context
def prune(ctx: click.Context, *, everything: bool, force: bool, max_used_space: str) -> int:
    """Remove images without a name, layers and blobs that nothing needs, and dead files.

    With --all also the whole build cache with all cache mounts.
    """
    space = Space(most=parse_size("--max-used-space", max_used_space)) if max_used_space else None

    def work(session: Session) -> int:
        session.require_namespace()
        if not confirmed("This removes the whole build cache.", force=force or not everything):
            return 0
        images = prune_images(session, named=False)
        if everything:
            done = prune_store(session, scope="everything")
        else:
            done = prune_store(session, scope="unshared" if space else "nothing", space=space)
        lines = [[short(each), "-", "image without a name"] for each in images.ids]
        lines += [
            [row.short_id, size(row.size_bytes), printable(row.name)[:60]] for row in done.rows
        ]
        if lines:
            out(table(["REMOVED", "SIZE", "MADE BY"], lines))
        out(
            f"Removed {len(images.ids)} images, {done.records} records, {done.layers} layers, "
            f"{done.blobs} blobs, {done.cache_mounts} cache mounts and git repositories\n"
        )
        _reclaimed(done)
        _say_held(images.held, done.held)
        return 0

    return in_session(ctx, work)


@click.command("prune", cls=DockerCommand)
@click.option("-a", "--all", "everything", is_flag=True, help="Also images that have a name.")
@_force
@_filtered(_IMAGES)
@click.pass_context
def image_prune(ctx: click.Context, /, **flags: object) -> int:
    """Remove images without a name, or all that nothing uses.

    What was removed is printed. Layers that the build cache needs stay: see `builder prune`.
    """
    named = bool(flags["everything"])
    wanted = _wanted(flags, "image prune")
    what = "all images without at least one container associated to them."
    if not named:
        what = "all dangling images."

    def work(session: Session) -> int:
        session.require_namespace()
        if not confirmed(f"WARNING! This will remove {what}", force=bool(flags["force"])):
            return 0
        images = prune_images(session, named=named, wanted=wanted)
        done = prune_store(session, scope="nothing")
        _section("Deleted Images", images.lines)
        _reclaimed(done)
        _say_held(images.held, ())
        return 0

    return in_session(ctx, work)


@click.command("prune", cls=DockerCommand)
@click.option(
    "-a", "--all", "everything", is_flag=True, help="Also what images share with the cache."
)
@_force
@_filtered(_CACHE)
@_most
@click.option(
    "--reserved-space",
    "--keep-storage",
    default="",
    metavar="SIZE",
    help="So much of the build cache stays in any case.",
)
@click.option(
    "--min-free-space",
    default="",
    metavar="SIZE",
    help="Remove the least recently used until so much of the disk is free.",
)
@click.option("--verbose", is_flag=True, help="Show what made each.")
@click.option("--builder", default="", hidden=True)
@click.pass_context
def builder_prune(ctx: click.Context, /, **flags: object) -> int:
    """Remove build cache with its cache mounts and git repositories; leave images alone."""
    tell_ignored("builder prune", flags)
    found = parse_filters(texts(flags, "filters"), _CACHE, command="builder prune")
    found["until"] = [*found.get("until", []), *found.pop("unused-for", [])]
    before = until(found)
    space = Space(
        most=parse_size("--max-used-space", str(flags["max_used_space"])),
        reserved=parse_size("--reserved-space", str(flags["reserved_space"])),
        free=parse_size("--min-free-space", str(flags["min_free_space"])),
    )
    everything = bool(flags["everything"])
    what = "all build cache" if everything else "all dangling build cache"

    def work(session: Session) -> int:
        session.require_namespace()
        if not confirmed(f"WARNING! This will remove {what}.", force=bool(flags["force"])):
            return 0
        done = prune_store(
            session,
            scope="everything" if everything else "unshared",
            used_before_ns=None if before is None else int(before * 1e9),
            only=(found.get("id") or [""])[-1],
            kinds=frozenset(found.get("type", ())),
            space=space,
        )
        _cache_table(done, verbose=bool(flags["verbose"]))
        out(f"Total:\t{size(done.freed_bytes)}\n")
        _say_held((), done.held)
        return 0

    return in_session(ctx, work)


@click.command("prune", cls=DockerCommand)
@click.option("-a", "--all", "everything", is_flag=True, help="Also images that have a name.")
@click.option("--volumes", is_flag=True, hidden=True)
@_force
@_filtered(_IMAGES)
@click.pass_context
def system_prune(ctx: click.Context, /, **flags: object) -> int:
    """Remove containers that do not run, and images and build cache that nothing uses."""
    named = bool(flags["everything"])
    wanted = _wanted(flags, "system prune")
    if flags["volumes"] and wanted.until is not None:
        raise UsageError('the "until" filter is not supported with "--volumes"')
    before, filters = wanted.until, texts(flags, "filters")

    def work(session: Session) -> int:
        from jettison.api.containers import list_containers, prune_containers
        from jettison.cli.container_rows import chosen

        session.require_namespace()
        if not confirmed(_warning(named, filters), force=bool(flags["force"])):
            return 0
        stopped = chosen(list_containers(session), filters, everything=True, prunes=True)
        containers = prune_containers(session, stopped)
        images = prune_images(session, named=named, wanted=wanted)
        done = prune_store(
            session,
            scope="nothing" if wanted.labels else "everything" if named else "unshared",
            used_before_ns=None if before is None else int(before * 1e9),
        )
        _section("Deleted Containers", containers.ids)
        _section("Deleted Images", images.lines)
        _section("Deleted build cache objects", [row.short_id for row in done.rows])
        _reclaimed(done, containers.freed_bytes)
        _say_held(images.held, done.held)
        return 0

    return in_session(ctx, work)


def _warning(named: bool, filters: Sequence[str]) -> str:
    """Return docker's warning, of what there is here."""
    what = ["all stopped containers", "all dangling images", "unused build cache"]
    if named:
        what[1:] = [
            "all images without at least one container associated to them",
            "all build cache",
        ]
    if any(each.startswith("label") for each in filters):
        what.pop()  # it has no labels
    lines = ["WARNING! This will remove:", *(f"  - {each}" for each in what), ""]
    if filters:
        lines += ["  Items to be pruned will be filtered with:"]
        lines += [f"  - {each}" for each in filters] + [""]
    return "\n".join(lines)


def _wanted(flags: Mapping[str, object], command: str) -> ImageFilter:
    return image_filter(parse_filters(texts(flags, "filters"), _IMAGES, command=command))


def _section(title: str, lines: Sequence[str]) -> None:
    if lines:
        out(f"{title}:\n" + "".join(f"{printable(line)}\n" for line in lines) + "\n")


def _cache_table(done: Pruned, *, verbose: bool) -> None:
    if not done.rows:
        return
    titles = ["ID", "RECLAIMABLE", "SIZE"] + (["MADE BY"] if verbose else [])
    rows = [
        [row.short_id, "true", size(row.size_bytes)] + ([printable(row.name)] if verbose else [])
        for row in done.rows
    ]
    out(table(titles, rows))


def _reclaimed(done: Pruned, more_bytes: int = 0) -> None:
    out(f"Total reclaimed space: {size(done.freed_bytes + more_bytes)}\n")


def _say_held(images: Sequence[str], rows: Sequence[DiskRow]) -> None:
    """Say what was to go and is used."""
    if images:
        err(f"kept, since a running build or container uses it: {', '.join(images)}\n")
    if rows:
        total = size(sum(row.size_bytes for row in rows))
        err(f"kept, since a running build or container uses it: {total} of the build cache\n")

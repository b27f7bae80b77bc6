"""Commands that remove what nothing uses: prune, image prune, builder prune, system prune.

Each says what it will remove and asks, says what it removed, and, on standard error, what a
running build or container held back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from jettison.api.disk import DiskRow
from jettison.api.disk_filter import DiskFilter
from jettison.api.filters import ImageFilter
from jettison.api.images import RemovedImages, prune_images
from jettison.api.prune import Pruned, Space
from jettison.api.prune import prune as prune_store
from jettison.api.session import Session
from jettison.cli import options
from jettison.cli.disk_rows import FILTERS, kept_table, parse_disk_filters
from jettison.cli.filters import image_filter, parse_filters
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

_BOUNDS = (
    ("max_used_space", "max_size"),
    ("reserved_space", "keep_storage"),
    ("min_free_space",),
)
"""What bounds the build cache, each by buildx's and by another name."""

_IMAGES = ("until", "label")


def _force(function: Callable[..., int]) -> Callable[..., int]:
    return click.option("-f", "--force", is_flag=True, help="Do not ask.")(function)


def _bounded(function: Callable[..., int]) -> Callable[..., int]:
    """Let a command have what bounds the build cache, and what only shows."""
    return options.all_of(
        _filtered(FILTERS),
        click.option(
            "--max-used-space",
            default="",
            metavar="SIZE",
            help="Remove the least recently used of the build cache until it is no larger.",
        ),
        click.option("--max-size", default="", metavar="SIZE", help="The same."),
        click.option(
            "--reserved-space",
            default="",
            metavar="SIZE",
            help="So much of the build cache stays in any case.",
        ),
        click.option("--keep-storage", default="", metavar="SIZE", help="The same."),
        click.option(
            "--min-free-space",
            default="",
            metavar="SIZE",
            help="Remove the least recently used until so much of the disk is free.",
        ),
        click.option("--dry-run", is_flag=True, help="Remove nothing; show what would go."),
        click.option("--explain", is_flag=True, help="Also show what stays, and why."),
    )(function)


def _filtered(names: Sequence[str]) -> Callable[[Any], Any]:
    return options.filters(f"Only what fits: {', '.join(names)} (=, and != or ~= for some).")


def _space(flags: Mapping[str, object]) -> Space | None:
    """Return the bounds that were given, each by one of its names."""
    most, reserved, free = (_bound(flags, names) for names in _BOUNDS)
    if most is reserved is free is None:
        return None
    return Space(most=most or 0, reserved=reserved or 0, free=free or 0)


def _bound(flags: Mapping[str, object], names: Sequence[str]) -> int | None:
    given = [name for name in names if flags[name]]
    if not given:
        return None
    shown = [f"--{name.replace('_', '-')}" for name in given]
    if len(given) > 1:
        raise UsageError(f"`{shown[0]}` and `{shown[1]}` are the same", hint="give one of them")
    return parse_size(shown[0], str(flags[given[0]]))


@click.command("prune", cls=DockerCommand)
@click.option("-a", "--all", "everything", is_flag=True, help="All of the build cache.")
@_force
@_bounded
@click.pass_context
def prune(ctx: click.Context, /, **flags: object) -> int:
    """Remove images without a name, layers and blobs that nothing needs, and dead files.

    With --all also the whole build cache with all cache mounts; with a bound its least recently
    used part; with filters what fits of it, and no image.
    """
    everything, dry = bool(flags["everything"]), bool(flags["dry_run"])
    space = _space(flags)
    wanted = parse_disk_filters(texts(flags, "filters"), command="prune")
    chooses = space is not None or not wanted.is_empty

    def work(session: Session) -> int:
        session.require_namespace()
        asks = everything and not dry
        if not confirmed(
            "This removes the whole build cache.", force=bool(flags["force"]) or not asks
        ):
            return 0
        images = RemovedImages((), (), ())
        if wanted.is_empty:
            images = prune_images(session, named=False, dry_run=dry)
        done = prune_store(
            session,
            scope="everything" if everything else "unshared" if chooses else "nothing",
            wanted=wanted,
            space=space,
            without=images.ids,
            dry_run=dry,
        )
        lines = [[short(each), "-", "image without a name"] for each in images.ids]
        lines += [
            [row.short_id, size(row.size_bytes), printable(row.name)[:60]] for row in done.rows
        ]
        if lines:
            out(table(["WOULD GO" if dry else "REMOVED", "SIZE", "MADE BY"], lines))
        if flags["explain"]:
            out(kept_table(done.kept))
        out(
            f"{'Would remove' if dry else 'Removed'} {len(images.ids)} images,"
            f" {done.records} records, {done.layers} layers, "
            f"{done.blobs} blobs, {done.cache_mounts} cache mounts and git repositories\n"
        )
        _reclaimed(done, dry=dry)
        _say_held(images.held, done.held)
        return 0

    return in_session(ctx, work)


@click.command("prune", cls=DockerCommand)
@click.option("-a", "--all", "everything", is_flag=True, help="Also images that have a name.")
@_force
@options.filters(f"Only what fits: {', '.join(f'{name}=…' for name in _IMAGES)}")
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
@_bounded
@click.option("--verbose", is_flag=True, help="Show what made each.")
@click.option("--builder", default="", hidden=True)
@click.pass_context
def builder_prune(ctx: click.Context, /, **flags: object) -> int:
    """Remove build cache with its cache mounts and git repositories; leave images alone."""
    tell_ignored("builder prune", flags)
    wanted = parse_disk_filters(texts(flags, "filters"), command="builder prune")
    space, dry = _space(flags), bool(flags["dry_run"])
    everything = bool(flags["everything"])
    what = "all build cache" if everything else "all dangling build cache"

    def work(session: Session) -> int:
        session.require_namespace()
        if not confirmed(f"WARNING! This will remove {what}.", force=bool(flags["force"]) or dry):
            return 0
        done = prune_store(
            session,
            scope="everything" if everything else "unshared",
            wanted=wanted,
            space=space,
            dry_run=dry,
        )
        _cache_table(done, verbose=bool(flags["verbose"]))
        if flags["explain"]:
            out(kept_table(done.kept))
        out(f"Total:\t{size(done.freed_bytes)}\n")
        _say_held((), done.held)
        return 0

    return in_session(ctx, work)


@click.command("prune", cls=DockerCommand)
@click.option("-a", "--all", "everything", is_flag=True, help="Also images that have a name.")
@click.option("--volumes", is_flag=True, hidden=True)
@_force
@options.filters(f"Only what fits: {', '.join(f'{name}=…' for name in _IMAGES)}")
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
            wanted=DiskFilter(used_before_ns=None if before is None else int(before * 1e9)),
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


def _reclaimed(done: Pruned, more_bytes: int = 0, *, dry: bool = False) -> None:
    title = "Total reclaimable space" if dry else "Total reclaimed space"
    out(f"{title}: {size(done.freed_bytes + more_bytes)}\n")


def _say_held(images: Sequence[str], rows: Sequence[DiskRow]) -> None:
    """Say what was to go and is used."""
    if images:
        err(f"kept, since a running build or container uses it: {', '.join(images)}\n")
    if rows:
        total = size(sum(row.size_bytes for row in rows))
        err(f"kept, since a running build or container uses it: {total} of the build cache\n")

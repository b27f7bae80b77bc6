"""``system df``: totals and all parts, in docker's shape.

In:  a session, the value of ``--format``.
Out: text.

There are no volumes here. A layer that an image has counts for images, all else for the build
cache.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection

from jettison.api.containers import list_containers, written_bytes
from jettison.api.disk import DiskRow, disk_usage, image_space
from jettison.api.images import images_in_use, list_images
from jettison.api.session import Session
from jettison.cli.container_rows import HEADINGS as CONTAINER_HEADINGS
from jettison.cli.container_rows import TYPE, row
from jettison.cli.images import HEADINGS, row_of
from jettison.cli.listing import Listing, rendered
from jettison.cli.table import ago
from jettison.console.plain import size
from jettison.container.state.catalog import is_running
from jettison.linux.text import printable

_TOTALS = {
    "Type": "TYPE",
    "TotalCount": "TOTAL",
    "Active": "ACTIVE",
    "Size": "SIZE",
    "Reclaimable": "RECLAIMABLE",
}
_CACHE = {
    "ID": "CACHE ID",
    "CacheType": "CACHE TYPE",
    "Size": "SIZE",
    "LastUsedSince": "LAST USED",
    "InUse": "IN USE",
    "Description": "MADE BY",
}
_CONTAINERS = (
    *("ID", "Image", "Command", "LocalVolumes", "Size", "RunningFor", "Status", "Names"),
)
_IMAGES = (
    *("Repository", "Tag", "ID", "CreatedSince", "Size", "SharedSize", "UniqueSize"),
    "Containers",
)


def totals(session: Session, form: str) -> str:
    """Return a row for each kind of things."""
    rows = disk_usage(session)
    active = images_in_use(session)
    images = session.store.images.all()
    busy = {each.layer for image in images if image.id in active for each in image.layers}
    of_images = [row for row in rows if row.needed_by == "image"]
    of_cache = [row for row in rows if row.needed_by != "image"]
    lines = [
        _total("Images", len(images), len(active), of_images, busy),
        _containers(session),
        _total("Local Volumes", 0, 0, [], set()),
        _total("Build Cache", len(of_cache), len(_used(of_cache)), of_cache, _used(of_cache)),
    ]
    return Listing("*formatter.diskUsageContext", _TOTALS, list(_TOTALS)).render(form, lines)


def _containers(session: Session) -> dict[str, str]:
    """Return the row of containers: what they have written can go with those that do not run."""
    found = list_containers(session)
    running = {each.container.record.id for each in found if is_running(each.state)}
    rows = [
        DiskRow(each.container.record.id, written_bytes(session, each.container), "", "", 0)
        for each in found
    ]
    return _total("Containers", len(found), len(running), rows, running)


def _used(rows: list[DiskRow]) -> set[str]:
    return {row.id for row in rows if row.needed_by}


def _total(
    kind: str, count: int, active: int, rows: list[DiskRow], used: Collection[str]
) -> dict[str, str]:
    total = sum(row.size_bytes for row in rows)
    free = sum(row.size_bytes for row in rows if row.id not in used)
    share = f" ({100 * free // total}%)" if total and kind != "Build Cache" else ""
    return {
        "Type": kind,
        "TotalCount": str(count),
        "Active": str(active),
        "Size": size(total),
        "Reclaimable": size(free) + share,
    }


def verbose(session: Session, form: str) -> str:
    """Return a row for each thing; with a format, all of it as one document."""
    images, cache, containers = _images(session), _cache(session), _container_rows(session)
    if form not in {"", "table"}:
        document = {
            "Images": images,
            "Containers": containers,
            "Volumes": [],
            "BuildCache": cache,
        }
        return rendered("{{json .}}" if form == "json" else form, document)
    total = size(sum(row.size_bytes for row in disk_usage(session) if row.needed_by != "image"))
    parts = (
        "Images space usage:\n",
        Listing("*formatter.imageContext", HEADINGS, _IMAGES).render("", images),
        "Containers space usage:\n",
        Listing(TYPE, CONTAINER_HEADINGS, _CONTAINERS).render("", containers),
        f"Build cache usage: {total}\n",
        Listing("*formatter.buildCacheContext", _CACHE, list(_CACHE)).render("", cache),
    )
    return "\n".join(parts)


def _container_rows(session: Session) -> list[dict[str, str]]:
    return [
        row(each, full=False) | {"Size": size(written_bytes(session, each.container))}
        for each in list_containers(session)
    ]


def _images(session: Session) -> list[dict[str, str]]:
    space = image_space(session)
    users = Counter(each.container.record.image_id for each in list_containers(session))
    return [
        row_of(each, full=False)
        | {
            "SharedSize": size(space[each.id].shared_bytes),
            "UniqueSize": size(space[each.id].unique_bytes),
            "Containers": str(users[each.id]),
        }
        for each in list_images(session)
    ]


def _cache(session: Session) -> list[dict[str, str]]:
    return [
        {
            "ID": row.short_id,
            "CacheType": row.kind,
            "Size": size(row.size_bytes),
            "LastUsedSince": ago(time.time() - row.used_ns / 1e9) if row.used_ns else "N/A",
            "InUse": "true" if row.needed_by else "false",
            "Description": printable(row.name)[:60],
        }
        for row in disk_usage(session)
        if row.needed_by != "image"
    ]

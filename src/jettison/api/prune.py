"""Removing what nothing needs: build cache, layers, blobs.

In:  a session, what is to go.
Out: what went, and what a living process held back.

Kept are: images (all of their layers and blobs), what living processes lease or use, and of the
build cache what ``Scope`` says. Images themselves are removed by ``api.images``.
"""

from __future__ import annotations

import os
import time
from typing import Literal

import msgspec

from jettison.api.disk import (
    LAYER,
    CachedLayer,
    DiskRow,
    by_size,
    cached_layers,
    directories,
    image_layers,
    kept_layers,
    kind_of,
    layer_rows,
    most_bytes,
    mount_rows,
    stored_layers,
)
from jettison.api.session import Session
from jettison.image.lists import listed_blobs
from jettison.store.cache_mounts import CacheMount, remove
from jettison.store.layer import LayerId

Scope = Literal["nothing", "unshared", "everything"]
"""Of the build cache: nothing, what no image shares, or all of it. Layers that nothing needs go in
any case."""

_LEAST_BUDGET_BYTES = 10 << 30
_DISK_SHARE = 5
"""The cache may have a fifth of the disk, unless ``keep_bytes`` says otherwise."""
_HELD = frozenset({"container", "running"})
"""What keeps a layer that is no longer wanted (``DiskRow.needed_by``)."""
_MEASURED_S = 3600
"""How old the size of a cache mount may be when a build has ended: measuring costs a walk."""


class Pruned(msgspec.Struct, frozen=True):
    """What went.

    Args:
        records: Of the build cache.
        layers, blobs, cache_mounts: How many.
        freed_bytes: In all.
        rows: The layers and cache mounts, the largest first.
        held: Those that would have gone, had no running build or container used them.
    """

    records: int
    layers: int
    blobs: int
    cache_mounts: int
    freed_bytes: int
    rows: tuple[DiskRow, ...] = ()
    held: tuple[DiskRow, ...] = ()


class Space(msgspec.Struct, frozen=True):
    """How much of the build cache may stay, in bytes; 0 is not given.

    Args:
        most: It may be no larger.
        reserved: It is not made smaller.
        free: So much of the disk is to be free afterwards.
    """

    most: int = 0
    reserved: int = 0
    free: int = 0

    def keep(self, used_bytes: int, free_bytes: int) -> int | None:
        """Return how many bytes may stay; None if there is no bound, so that none need to.

        Source: BuildKit's ``calculateKeepBytes``.

        >>> Space(free=50, reserved=10).keep(used_bytes=100, free_bytes=20)
        70
        """
        if not (self.most or self.reserved or self.free):
            return None
        keep = self.most
        if self.free > free_bytes:
            left = used_bytes - (self.free - free_bytes)
            keep = min(keep, left) if keep else left
        return max(keep, self.reserved)


def prune(
    session: Session,
    *,
    scope: Scope,
    used_before_ns: int | None = None,
    only: str = "",
    kinds: frozenset[str] = frozenset(),
    space: Space | None = None,
) -> Pruned:
    """Remove records, layers and blobs that nothing needs.

    Args:
        session: The store.
        scope: What of the build cache.
        used_before_ns: Spare what was used later, nanoseconds since the epoch.
        only: Of the build cache, only what has an ID that begins so.
        kinds: Of the build cache, only what is of these kinds (``DiskRow``); empty for all.
        space: Where it bounds something: what was not used for longest goes, until what only the
            cache needs is within the bounds.
    """
    before_ns = time.time_ns() if used_before_ns is None else used_before_ns
    with session.store.collecting():
        mounts = directories(session)
        rows_before = [*layer_rows(session), *mount_rows(session, mounts)]
        to_go: list[str] = []
        unwanted: list[CacheMount] = []
        records = 0
        keep = None if space is None else _keep(session, space, mounts)
        if scope != "nothing":
            if keep is not None:
                to_go, unwanted = _oldest(session, mounts, keep, before_ns)
            else:
                to_go = _cached(session, scope, before_ns)
                unwanted = [mount for mount in mounts if mount.used_ns <= before_ns]
            to_go = [each for each in to_go if _is(each, only) and (not kinds or LAYER in kinds)]
            unwanted = [
                mount
                for mount in unwanted
                if _is(mount.path.name, only) and (not kinds or kind_of(session, mount) in kinds)
            ]
            records = _forget(session, to_go)
            if scope == "everything" and keep is None:
                _forget_answers(session, before_ns)
        gone = [mount for mount in unwanted if remove(mount, session.store.trash)]
        layers, freed = _remove_layers(session)
        blobs, freed_blobs = _remove_blobs(session)
        session.store.partial.remove(before_ns / 1e9)
    session.store.empty_trash()
    left = {row.id for row in layer_rows(session)}
    left |= {mount.path.name for mount in mounts if mount not in gone}
    freed += freed_blobs + sum(mount.size_bytes for mount in gone)
    busy = {*to_go, *(mount.path.name for mount in unwanted)}
    return Pruned(
        records,
        layers,
        blobs,
        len(gone),
        freed,
        tuple(by_size([row for row in rows_before if row.id not in left])),
        tuple(row for row in rows_before if row.id in left & busy and row.needed_by in _HELD),
    )


def _is(name: str, only: str) -> bool:
    """Tell whether a layer or directory has an ID that begins so."""
    return not only or name.startswith(only) or name.rpartition(":")[2].startswith(only)


def _cached(session: Session, scope: Scope, before_ns: int) -> list[str]:
    """Return the layers whose records are to go."""
    rows = session.store.database.query(
        "SELECT layer, max(used_ns) FROM record GROUP BY layer ORDER BY layer"
    )
    shared = image_layers(session) if scope == "unshared" else set()
    return [layer for layer, used_ns in rows if used_ns <= before_ns and layer not in shared]


def _keep(session: Session, space: Space, mounts: list[CacheMount]) -> int | None:
    used = sum(each.size_bytes for each in mounts)
    used += sum(each.size_bytes for each in cached_layers(session))
    disk = os.statvfs(session.store.root)
    return space.keep(used, disk.f_bavail * disk.f_frsize)


def keep_within_budget(session: Session) -> None:
    """Remove the least recently used part of the cache when it is larger than the setting.

    Most caches are far from it: then nothing is asked about each of their layers.
    """
    budget = session.settings.keep_bytes or _default_budget(session)
    mounts = directories(session, measured_s=_MEASURED_S)
    used = sum(each.size_bytes for each in mounts)
    if used + most_bytes(session) <= budget:
        return
    used += sum(each.size_bytes for each in cached_layers(session))
    if used > budget:
        prune(session, scope="unshared", space=Space(most=budget))


def _default_budget(session: Session) -> int:
    facts = os.statvfs(session.store.root)
    return max(_LEAST_BUDGET_BYTES, facts.f_blocks * facts.f_frsize // _DISK_SHARE)


def _oldest(
    session: Session, mounts: list[CacheMount], max_bytes: int, before_ns: int
) -> tuple[list[str], list[CacheMount]]:
    """Return what was not used for longest, so that the rest has at most some bytes."""
    leased = session.store.leases()
    cached: list[CachedLayer | CacheMount] = [*cached_layers(session), *mounts]
    excess = sum(each.size_bytes for each in cached) - max_bytes
    layers: list[str] = []
    unwanted: list[CacheMount] = []
    for each in sorted(cached, key=lambda one: one.used_ns):
        if excess <= 0 or each.used_ns > before_ns:
            break
        if isinstance(each, CacheMount):
            unwanted.append(each)
        elif each.layer not in leased:
            layers.append(each.layer)
        else:
            continue
        excess -= each.size_bytes
    return layers, unwanted


def _forget(session: Session, layers: list[str]) -> int:
    """Remove the records of layers; return how many."""
    database = session.store.database
    with database.transaction():
        rows = [(layer,) for layer in layers]
        return sum(database.execute("DELETE FROM record WHERE layer = ?", row) for row in rows)


def _forget_answers(session: Session, before_ns: int) -> None:
    """Remove what can be found out again."""
    for memo in ("selection", "answer", "origins"):
        session.store.database.execute(f"DELETE FROM {memo} WHERE used_ns <= ?", (before_ns,))  # noqa: S608


def _remove_layers(session: Session) -> tuple[int, int]:
    """Remove layers that no image, record or process needs; return their number and bytes."""
    database = session.store.database
    kept = kept_layers(session) | session.store.leases()
    kept |= {layer for (layer,) in database.query("SELECT DISTINCT layer FROM record")}
    freed = layers = 0
    for layer_store, layer in stored_layers(session):
        if layer in kept:
            continue
        info = layer_store.info(layer)
        freed += info.size_bytes if info is not None else 0
        layer_store.remove(layer)
        layers += 1
    for (layer,) in database.query("SELECT id FROM layer UNION SELECT layer FROM claimed_layer"):
        if layer not in kept:
            session.store.layers.forget(LayerId(layer))
    return layers, freed


def _remove_blobs(session: Session) -> tuple[int, int]:
    """Remove blobs that nothing needs; return their number and bytes."""
    freed = blobs = 0
    needed = _needed_blobs(session)
    for digest in session.store.blobs.all():
        if digest not in needed:
            freed += session.store.blobs.size(digest)
            session.store.blobs.remove(digest)
            blobs += 1
    return blobs, freed


def _needed_blobs(session: Session) -> set[str]:
    """Return digests that images, packed layers and living processes need."""
    from jettison.oci.codec import decode
    from jettison.oci.manifest import Manifest

    needed: set[str] = set(session.store.leases())
    for image in session.store.images.all():
        needed.add(image.id)
        if image.manifest is not None:
            needed.add(image.manifest.digest)
            if session.store.blobs.has(image.manifest.digest):
                data = session.store.blobs.read(image.manifest.digest, limit=4 << 20)
                needed |= {each.digest for each in decode(Manifest, data).layers}
    needed |= listed_blobs(session.store)
    for (layer,) in session.store.database.query("SELECT DISTINCT layer FROM packed"):
        blobs = session.store.layers.find(LayerId(layer)).blobs
        needed |= {each.digest for each in blobs.values()}
    return needed

"""What the store holds, and removing what nothing needs.

In:  a session.
Out: rows for ``du``; what ``prune`` removed.

Kept are: images that have a name (all of their layers and blobs), what living processes lease or
use, and, unless everything is asked for, cache records with their layers, cache mounts and what
was fetched from git.
``prune`` of everything keeps images that were pulled or loaded, as ``docker builder prune`` does.
"""

from __future__ import annotations

import os
import time

import msgspec

from jettison.api.session import Session
from jettison.snapshot.overlay import OverlayLayerStore
from jettison.store.cache_mounts import CacheMount, cache_mounts, remove
from jettison.store.layer import LayerId

_LEAST_BUDGET_BYTES = 10 << 30
_DISK_SHARE = 5
"""The cache may have a fifth of the disk, unless ``keep_bytes`` says otherwise."""
_MEASURED_S = 3600
"""How old the size of a cache mount may be when a build has ended: measuring costs a walk."""
_MOUNT = "RUN --mount=type=cache"
_REPOSITORY = "git repository"


class DiskRow(msgspec.Struct, frozen=True):
    """A layer that is here as files or packed, a cache mount, or what was fetched from git.

    Args:
        id: The layer's name, or that of the directory.
        size_bytes: Of its files, and of the blobs that they were packed into.
        needed_by: What keeps it: ``image``, ``running`` or nothing.
        name: The step that made it, if a record tells.
        used_ns: When it was last used, nanoseconds since the epoch.
    """

    id: str
    size_bytes: int
    needed_by: str
    name: str
    used_ns: int


class Pruned(msgspec.Struct, frozen=True):
    """What ``prune`` removed; ``rows`` are the layers and cache mounts, the largest first."""

    records: int
    layers: int
    blobs: int
    cache_mounts: int
    freed_bytes: int
    rows: tuple[DiskRow, ...] = ()


def disk_usage(session: Session) -> list[DiskRow]:
    """Return a row for each layer and each cache mount, the largest first."""
    return _sorted([*_layer_rows(session), *_mount_rows(session, _directories(session))])


def _sorted(rows: list[DiskRow]) -> list[DiskRow]:
    return sorted(rows, key=lambda row: -row.size_bytes)


def _layer_rows(session: Session) -> list[DiskRow]:
    kept = _image_layers(session)
    leased = session.store.leases()
    names: dict[str, str] = dict(
        session.store.database.query("SELECT layer, name FROM record ORDER BY used_ns")
    )
    sizes = _packed_sizes(session)
    for layer_store, layer in _layers(session):
        info = layer_store.info(layer)
        if info is not None:
            sizes[layer] = sizes.get(layer, 0) + info.size_bytes
    used: dict[str, int] = dict(session.store.database.query("SELECT id, used_ns FROM layer"))
    rows = []
    for name, size in sizes.items():
        reason = "image" if name in kept else "running" if name in leased else ""
        rows.append(DiskRow(name, size, reason, names.get(name, ""), used.get(name, 0)))
    return rows


def _mount_rows(session: Session, mounts: list[CacheMount]) -> list[DiskRow]:
    rows = []
    for mount in mounts:
        reason = "running" if mount.in_use else ""
        name = _REPOSITORY if mount.path.parent == session.store.git else _MOUNT
        rows.append(DiskRow(mount.path.name, mount.size_bytes, reason, name, mount.used_ns))
    return rows


def prune(
    session: Session, *, everything: bool, keep_seconds: float = 0, max_bytes: int | None = None
) -> Pruned:
    """Remove records, layers and blobs that nothing needs.

    Args:
        session: The store.
        everything: All cache records and cache mounts.
        keep_seconds: Spare those that were used in the last so many seconds.
        max_bytes: Remove what was not used for longest until the layers that only the cache
            needs, and the cache mounts, have no more bytes than this.
    """
    database = session.store.database
    before_ns = time.time_ns() - int(keep_seconds * 1e9)
    records = 0
    with session.store.collecting():
        mounts = _directories(session)
        before = _layer_rows(session)
        if everything:
            records = database.execute("DELETE FROM record WHERE used_ns <= ?", (before_ns,))
            for memo in ("selection", "answer"):
                database.execute(f"DELETE FROM {memo} WHERE used_ns <= ?", (before_ns,))  # noqa: S608
            unwanted = [mount for mount in mounts if mount.used_ns <= before_ns]
        elif max_bytes is not None:
            layers_to_go, unwanted = _oldest(session, mounts, max_bytes, before_ns)
            records = _forget(session, layers_to_go)
        else:
            unwanted = []
        gone = [mount for mount in unwanted if remove(mount, session.store.trash)]
        rows = _mount_rows(session, gone)
        layers, freed = _remove_layers(session)
        blobs, freed_blobs = _remove_blobs(session)
    session.store.empty_trash()
    left = {row.id for row in _layer_rows(session)}
    rows += [row for row in before if row.id not in left]
    freed += freed_blobs + sum(mount.size_bytes for mount in gone)
    return Pruned(records, layers, blobs, len(gone), freed, tuple(_sorted(rows)))


def keep_within_budget(session: Session) -> None:
    """Remove the least recently used part of the cache when it is larger than the setting."""
    budget = session.settings.keep_bytes or _default_budget(session)
    mounts = _directories(session, measured_s=_MEASURED_S)
    used = sum(each.size_bytes for each in mounts)
    used += sum(each.size_bytes for each in _cached_layers(session))
    if used > budget:
        prune(session, everything=False, max_bytes=budget)


def _directories(session: Session, *, measured_s: float = 0) -> list[CacheMount]:
    """Return cache mounts, and repositories that were fetched, which are kept in the same way."""
    places = (session.store.cache_mounts, session.store.git)
    return [each for place in places for each in cache_mounts(place, measured_s=measured_s)]


class _CachedLayer(msgspec.Struct, frozen=True):
    """A layer that only the cache needs; ``size_bytes`` counts its files and its blobs."""

    layer: str
    size_bytes: int
    used_ns: int


def _default_budget(session: Session) -> int:
    facts = os.statvfs(session.store.root)
    return max(_LEAST_BUDGET_BYTES, facts.f_blocks * facts.f_frsize // _DISK_SHARE)


def _cached_layers(session: Session) -> list[_CachedLayer]:
    """Return the layers of records that no image has, the oldest use first."""
    database = session.store.database
    needed = _image_layers(session)
    sizes = _packed_sizes(session)
    rows = database.query(
        "SELECT record.layer, coalesce(layer.size_bytes, 0), max(record.used_ns) FROM record"
        " LEFT JOIN layer ON layer.id = record.layer GROUP BY record.layer ORDER BY 3, 1"
    )
    return [
        _CachedLayer(layer, size + sizes.get(layer, 0), used_ns)
        for layer, size, used_ns in rows
        if layer not in needed
    ]


def _packed_sizes(session: Session) -> dict[str, int]:
    """Return the bytes of layers' blobs that are here, by layer."""
    from jettison.oci.manifest import Descriptor

    sizes: dict[str, int] = {}
    decode = msgspec.msgpack.Decoder(Descriptor).decode
    for layer, packed in session.store.database.query("SELECT layer, descriptor FROM packed"):
        descriptor = decode(packed)
        if session.store.blobs.has(descriptor.digest):
            sizes[layer] = sizes.get(layer, 0) + descriptor.size
    return sizes


def _oldest(
    session: Session, mounts: list[CacheMount], max_bytes: int, before_ns: int
) -> tuple[list[_CachedLayer], list[CacheMount]]:
    """Return what was not used for longest, so that the rest has at most some bytes."""
    leased = session.store.leases()
    cached: list[_CachedLayer | CacheMount] = [*_cached_layers(session), *mounts]
    excess = sum(each.size_bytes for each in cached) - max_bytes
    layers: list[_CachedLayer] = []
    unwanted: list[CacheMount] = []
    for each in sorted(cached, key=lambda one: one.used_ns):
        if excess <= 0 or each.used_ns > before_ns:
            break
        if isinstance(each, CacheMount):
            unwanted.append(each)
        elif each.layer not in leased:
            layers.append(each)
        else:
            continue
        excess -= each.size_bytes
    return layers, unwanted


def _forget(session: Session, layers: list[_CachedLayer]) -> int:
    """Remove the records of layers; return how many."""
    database = session.store.database
    with database.transaction():
        rows = [(each.layer,) for each in layers]
        return sum(database.execute("DELETE FROM record WHERE layer = ?", row) for row in rows)


def _remove_layers(session: Session) -> tuple[int, int]:
    """Remove layers that no image, record or process needs; return their number and bytes."""
    database = session.store.database
    kept = _image_layers(session) | session.store.leases()
    kept |= {layer for (layer,) in database.query("SELECT DISTINCT layer FROM record")}
    freed = layers = 0
    for layer_store, layer in _layers(session):
        if layer in kept:
            continue
        info = layer_store.info(layer)
        freed += info.size_bytes if info is not None else 0
        layer_store.remove(layer)
        layers += 1
    for (layer,) in database.query("SELECT id FROM layer"):
        if layer not in kept:
            session.store.layers.forget(LayerId(layer))
    return layers, freed


def _layers(session: Session) -> list[tuple[OverlayLayerStore, LayerId]]:
    """Return all layers that are here as files, also those that other sandboxes made.

    A layer that is here with both kinds of owners is there twice.
    """
    both = (session.layer_store, OverlayLayerStore(session.store, session.ownership, other=True))
    return [(layer_store, layer) for layer_store in both for layer in layer_store.all()]


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


def _image_layers(session: Session) -> set[str]:
    return {each.layer for image in session.store.images.all() for each in image.layers}


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
    for (layer,) in session.store.database.query("SELECT DISTINCT layer FROM packed"):
        blobs = session.store.layers.find(LayerId(layer)).blobs
        needed |= {each.digest for each in blobs.values()}
    return needed

"""Removing what nothing needs: build cache, layers, blobs.

In:  a session, what is to go.
Out: what went, or would; what a living process held back; what stays, and why.

Kept are: images (all of their layers and blobs), what living processes lease or use, and of the
build cache what ``Scope`` says. Images themselves are removed by ``api.images``.
"""

from __future__ import annotations

import os
import time
from collections.abc import Collection
from typing import Literal

import msgspec

from jettison.api.disk import (
    DOWNLOAD,
    INTERNAL,
    LAYER,
    DiskRow,
    blob_rows,
    by_size,
    cached_layers,
    directories,
    download_rows,
    image_layers,
    kept_layers,
    layer_rows,
    most_bytes,
    mount_rows,
    needed_blobs,
    stored_layers,
)
from jettison.api.disk_filter import EVERYTHING, DiskFilter
from jettison.api.kept import Reason
from jettison.api.session import Session
from jettison.fs.reclaim import reclaimed_bytes
from jettison.oci.digest import Digest
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
        freed_bytes: In all: of files and blobs that several have, once, when the last one goes.
        rows: The layers, cache mounts and other parts, the largest first.
        held: Those that would have gone, had no running build or container used them.
        kept: All that stays, with all that keeps it.
    """

    records: int
    layers: int
    blobs: int
    cache_mounts: int
    freed_bytes: int
    rows: tuple[DiskRow, ...] = ()
    held: tuple[DiskRow, ...] = ()
    kept: tuple[DiskRow, ...] = ()


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
    wanted: DiskFilter = EVERYTHING,
    space: Space | None = None,
    without: Collection[Digest] = (),
    dry_run: bool = False,
) -> Pruned:
    """Remove records, layers and blobs that nothing needs.

    Args:
        session: The store.
        scope: What of the build cache.
        wanted: Of that, only what fits.
        space: Where it bounds something: what was not used for longest goes, until what only the
            cache needs is within the bounds.
        without: Images that count as gone.
        dry_run: Nothing is removed, and the result says what would be.
    """
    pruning = _Pruning(session, scope, wanted, space, without)
    with session.store.collecting():
        pruning.choose()
        if not dry_run:
            pruning.remove()
        found = pruning.result()
    if not dry_run:
        session.store.empty_trash()
    return found


class _Pruning:
    """One prune; the store is locked meanwhile against who looks layers up."""

    def __init__(
        self,
        session: Session,
        scope: Scope,
        wanted: DiskFilter,
        space: Space | None,
        without: Collection[Digest],
    ) -> None:
        self._session = session
        self._scope = scope
        self._wanted = wanted
        self._without = without
        self._mounts = {each.path.name: each for each in directories(session)}
        self._keep = None if space is None else _keep(session, space, list(self._mounts.values()))
        self._before: list[DiskRow] = []
        self._chosen: set[str] = set()
        self._spared: dict[str, str] = {}
        self._freed_bytes = 0

    def choose(self) -> None:
        """Find out what goes."""
        session = self._session
        database = session.store.database
        recorded: dict[str, int] = dict(
            database.query("SELECT layer, max(used_ns) FROM record GROUP BY layer")
        )
        self._before = [
            *layer_rows(session, self._without),
            *mount_rows(session, list(self._mounts.values())),
            *download_rows(session),
        ]
        # Records are of layers, also of such as are not here.
        known = {row.id for row in self._before}
        absent = [
            DiskRow(layer, 0, "", "", used_ns)
            for layer, used_ns in recorded.items()
            if layer not in known
        ]
        shared = image_layers(session, self._without) if self._scope == "unshared" else set()
        cached = [
            row
            for row in (*self._before, *absent)
            if row.id not in shared and (row.kind != LAYER or row.id in recorded)
        ]
        self._choose_of(cached)
        kept = kept_layers(session, self._without) | session.store.leases()
        self.kept_layers = kept | (recorded.keys() - self._chosen)
        blobs = needed_blobs(session, self._without, self.kept_layers)
        # What nothing needs goes in any case.
        everything = session.store.blobs.all()
        self.blobs = [digest for digest in everything if digest not in blobs]
        self._before += blob_rows(session, needed_blobs(session))
        self.layers = [
            (layer_store, layer)
            for layer_store, layer in stored_layers(session)
            if layer not in self.kept_layers
        ]
        self.mounts = [
            mount
            for name, mount in self._mounts.items()
            if name in self._chosen and not mount.in_use
        ]
        self.downloads = [
            each
            for each in session.store.partial.all()
            if each.digest in self._chosen and not each.in_use
        ]
        rows = database.query("SELECT layer FROM record")
        self.records = sum(layer in self._chosen for (layer,) in rows)
        self._freed_bytes = reclaimed_bytes(
            [
                *(layer_store.directory(layer) for layer_store, layer in self.layers),
                *(session.store.blobs.path(digest) for digest in self.blobs),
            ]
        )

    def _choose_of(self, cached: list[DiskRow]) -> None:
        """Choose of the cache: what a filter means, where space is bounded the oldest of it."""
        if self._scope == "nothing":
            # Downloads are dead files: they go, as nobody is there who goes on with them.
            cached = [row for row in cached if row.kind == DOWNLOAD]
        fitting = [row for row in cached if self._wanted.fits(row)]
        self._spare({row.id for row in cached} - {row.id for row in fitting}, "--filter")
        if self._keep is None:
            self._chosen = {row.id for row in fitting}
            return
        of_images = kept_layers(self._session, self._without)
        used = sum(each.size_bytes for each in cached_layers(self._session))
        used += sum(row.size_bytes for row in cached if row.kind != LAYER)
        excess = used - self._keep
        for row in sorted(fitting, key=lambda each: each.used_ns):
            if excess <= 0:
                self._spare({row.id}, "used later, and the rest is small enough")
            elif row.id not in of_images and not row.in_use:
                self._chosen.add(row.id)
                excess -= row.size_bytes

    def _spare(self, names: Collection[str], why: str) -> None:
        self._spared |= dict.fromkeys(names, why)

    def result(self) -> Pruned:
        """Return what goes and what stays."""
        gone = {mount.path.name for mount in self.mounts}
        gone |= {each.digest for each in self.downloads} | {*self.blobs}
        rows: list[DiskRow] = []
        kept: list[DiskRow] = []
        for row in self._before:
            stays = row.id in self.kept_layers if row.kind == LAYER else row.id not in gone
            (kept if stays else rows).append(row)
        files = sum(each.size_bytes for each in self.mounts)
        files += sum(each.size_bytes for each in self.downloads)
        return Pruned(
            self.records,
            len(self.layers),
            len(self.blobs),
            len(self.mounts),
            self._freed_bytes + files,
            tuple(by_size(rows)),
            tuple(row for row in kept if row.id in self._chosen and row.needed_by in _HELD),
            tuple(by_size([self._explained(row) for row in kept])),
        )

    def _explained(self, row: DiskRow) -> DiskRow:
        """Add why a prune of this kind does not take a row, if nothing else says so."""
        if row.needed_by:
            return row
        why = self._spared.get(row.id)
        if why is None:
            why = "`--all` or `--max-size` removes it" if row.kind != INTERNAL else ""
        return msgspec.structs.replace(row, reasons=(*row.reasons, Reason("spared", why)))

    def remove(self) -> None:
        """Do it: first what is known of things, then they."""
        session = self._session
        database = session.store.database
        with database.transaction():
            for layer in self._chosen:
                database.execute("DELETE FROM record WHERE layer = ?", (layer,))
            if self._scope == "everything" and self._keep is None and not self._wanted.conditions:
                _forget_answers(session, self._wanted.used_before_ns or time.time_ns())
        self.mounts = [each for each in self.mounts if remove(each, session.store.trash)]
        for layer_store, layer in self.layers:
            layer_store.remove(layer)
        for (layer,) in database.query(
            "SELECT id FROM layer UNION SELECT layer FROM claimed_layer"
        ):
            if layer not in self.kept_layers:
                session.store.layers.forget(LayerId(layer))
        for digest in self.blobs:
            session.store.blobs.remove(Digest(digest))
        self.downloads = [each for each in self.downloads if session.store.partial.discard(each)]


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


def _forget_answers(session: Session, before_ns: int) -> None:
    """Remove what can be found out again."""
    for memo in ("selection", "answer", "origins"):
        session.store.database.execute(f"DELETE FROM {memo} WHERE used_ns <= ?", (before_ns,))  # noqa: S608

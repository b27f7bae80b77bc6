"""What the store holds: layers, cache mounts, repositories, and what keeps each.

In:  a session.
Out: rows for ``du``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from jettison.api.held import held_layers
from jettison.api.session import Session
from jettison.oci.digest import Digest
from jettison.snapshot.overlay import OverlayLayerStore
from jettison.store.cache_mounts import CacheMount, cache_mounts
from jettison.store.layer import LayerId

if TYPE_CHECKING:
    from jettison.oci.manifest import Descriptor

LAYER = "regular"
MOUNT = "exec.cachemount"
REPOSITORY = "source.git.checkout"
"""Kinds of rows, as BuildKit names them."""
_NAMES = {MOUNT: "RUN --mount=type=cache", REPOSITORY: "git repository"}


class DiskRow(msgspec.Struct, frozen=True):
    """A layer that is here as files or packed, a cache mount, or what was fetched from git.

    Args:
        id: The layer's name, or that of the directory.
        size_bytes: Of its files, and of the blobs that they were packed into.
        needed_by: What keeps it: ``image``, ``container``, ``running`` or nothing.
        name: The step that made it, if a record tells.
        used_ns: When it was last used, nanoseconds since the epoch.
        kind: What it is.
    """

    id: str
    size_bytes: int
    needed_by: str
    name: str
    used_ns: int
    kind: str = LAYER

    @property
    def short_id(self) -> str:
        """The beginning of the ID, as tables show it."""
        return self.id.rpartition(":")[2][:12]


def disk_usage(session: Session) -> list[DiskRow]:
    """Return a row for each layer and each cache mount, the largest first."""
    return by_size([*layer_rows(session), *mount_rows(session, directories(session))])


def by_size(rows: list[DiskRow]) -> list[DiskRow]:
    """Return rows, the largest first."""
    return sorted(rows, key=lambda row: -row.size_bytes)


def layer_rows(session: Session) -> list[DiskRow]:
    """Return a row for each layer that is here."""
    kept, held = image_layers(session), held_layers(session)
    leased = session.store.leases()
    names: dict[str, str] = dict(
        session.store.database.query("SELECT layer, name FROM record ORDER BY used_ns")
    )
    names = {**_names_by_builds(session), **names}
    sizes = _packed_sizes(session)
    for layer_store, layer in stored_layers(session):
        info = layer_store.info(layer)
        if info is not None:
            sizes[layer] = sizes.get(layer, 0) + info.size_bytes
    used: dict[str, int] = dict(session.store.database.query("SELECT id, used_ns FROM layer"))
    rows = []
    for name, size in sizes.items():
        reason = "container" if name in held else "running" if name in leased else ""
        reason = "image" if name in kept else reason
        rows.append(DiskRow(name, size, reason, names.get(name, ""), used.get(name, 0)))
    return rows


def _names_by_builds(session: Session) -> dict[str, str]:
    """Return the steps that made layers of images here: records know the last run of each only."""
    from jettison.provenance.record import decode_record

    names: dict[str, str] = {}
    for build in session.builds.all():
        try:
            steps = decode_record(build).steps
        except ValueError:
            continue  # of another version
        names |= {layer: step.name for step in steps for layer in step.layers}
    return names


def mount_rows(session: Session, mounts: list[CacheMount]) -> list[DiskRow]:
    """Return a row for each of some directories."""
    rows = []
    for mount in mounts:
        reason = "running" if mount.in_use else ""
        kind = kind_of(session, mount)
        rows.append(
            DiskRow(mount.path.name, mount.size_bytes, reason, _NAMES[kind], mount.used_ns, kind)
        )
    return rows


def kind_of(session: Session, mount: CacheMount) -> str:
    """Return whether a directory is a cache mount or a repository."""
    return REPOSITORY if mount.path.parent == session.store.git else MOUNT


class ImageSpace(msgspec.Struct, frozen=True):
    """Bytes of an image's layers: those that other images have, too, and those of its own."""

    shared_bytes: int
    unique_bytes: int


def image_space(session: Session) -> dict[Digest, ImageSpace]:
    """Return what images take, by ID."""
    sizes = {row.id: row.size_bytes for row in layer_rows(session)}
    layers = {
        image.id: {each.layer for each in image.layers} for image in session.store.images.all()
    }
    users = Counter(layer for each in layers.values() for layer in each)

    def total(names: set[LayerId], *, shared: bool) -> int:
        return sum(sizes.get(each, 0) for each in names if (users[each] > 1) is shared)

    return {
        image: ImageSpace(total(each, shared=True), total(each, shared=False))
        for image, each in layers.items()
    }


def directories(session: Session, *, measured_s: float = 0) -> list[CacheMount]:
    """Return cache mounts, and repositories that were fetched, which are kept in the same way."""
    places = (session.store.cache_mounts, session.store.git)
    return [each for place in places for each in cache_mounts(place, measured_s=measured_s)]


class CachedLayer(msgspec.Struct, frozen=True):
    """A layer that only the cache needs; ``size_bytes`` counts its files and its blobs."""

    layer: str
    size_bytes: int
    used_ns: int


def cached_layers(session: Session) -> list[CachedLayer]:
    """Return the layers of records that no image has, the oldest use first."""
    database = session.store.database
    needed = kept_layers(session)
    sizes = _packed_sizes(session)
    rows = database.query(
        "SELECT record.layer, coalesce(layer.size_bytes, 0), max(record.used_ns) FROM record"
        " LEFT JOIN layer ON layer.id = record.layer GROUP BY record.layer ORDER BY 3, 1"
    )
    return [
        CachedLayer(layer, size + sizes.get(layer, 0), used_ns)
        for layer, size, used_ns in rows
        if layer not in needed
    ]


def most_bytes(session: Session) -> int:
    """Return what all cached layers have at most: as if no image had one, and every blob was here.

    Nothing is looked for on the disk: this is asked after each build.
    """
    database = session.store.database
    files = database.query(
        "SELECT coalesce(sum(size_bytes), 0) FROM layer WHERE id IN (SELECT layer FROM record)"
    )
    packed: int = sum(each.size for _, each in _packed(session, _PACKED_OF_RECORDS))
    return int(files[0][0]) + packed


def _packed_sizes(session: Session) -> dict[str, int]:
    """Return the bytes of layers' blobs that are here, by layer."""
    sizes: dict[str, int] = {}
    for layer, descriptor in _packed(session):
        if session.store.blobs.has(descriptor.digest):
            sizes[layer] = sizes.get(layer, 0) + descriptor.size
    return sizes


_PACKED = "SELECT layer, descriptor FROM packed"
_PACKED_OF_RECORDS = (
    "SELECT layer, descriptor FROM packed WHERE layer IN (SELECT layer FROM record)"
)


def _packed(session: Session, rows: str = _PACKED) -> Iterator[tuple[str, Descriptor]]:
    """Yield layers with the descriptors of blobs that they were packed into."""
    from jettison.oci.manifest import Descriptor

    decode = msgspec.msgpack.Decoder(Descriptor).decode
    for layer, packed in session.store.database.query(rows):
        yield layer, decode(packed)


def stored_layers(session: Session) -> list[tuple[OverlayLayerStore, LayerId]]:
    """Return all layers that are here as files, also those that other sandboxes made.

    A layer that is here with both kinds of owners is there twice.
    """
    both = (session.layer_store, OverlayLayerStore(session.store, session.ownership, other=True))
    return [(layer_store, layer) for layer_store in both for layer in layer_store.all()]


def image_layers(session: Session) -> set[str]:
    """Return the names of all layers of images."""
    return {each.layer for image in session.store.images.all() for each in image.layers}


def kept_layers(session: Session) -> set[str]:
    """Return the layers of images and of containers, whose images may be gone."""
    return image_layers(session) | held_layers(session)

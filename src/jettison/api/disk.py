"""What the store holds: layers, cache mounts, repositories, and what keeps each.

In:  a session.
Out: rows for ``du``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from jettison.api.held import held_layers
from jettison.api.kept import Reason, layer_reasons
from jettison.api.session import Session
from jettison.image.lists import listed_blobs
from jettison.oci.digest import Digest
from jettison.snapshot.overlay import OverlayLayerStore
from jettison.store.cache_mounts import CacheMount, cache_mounts
from jettison.store.layer import LayerId

if TYPE_CHECKING:
    from jettison.oci.manifest import Descriptor

LAYER = "regular"
MOUNT = "exec.cachemount"
REPOSITORY = "source.git.checkout"
INTERNAL = "internal"
"""Kinds of rows, as BuildKit names them."""
DOWNLOAD = "source.download"
"""A download that was interrupted."""
_NAMES = {MOUNT: "RUN --mount=type=cache", REPOSITORY: "git repository"}


class DiskRow(msgspec.Struct, frozen=True):
    """A layer that is here as files or packed, a cache mount, what was fetched from git, a blob.

    Blobs have rows of their own only where no layer that is here was packed into them and nothing
    needs them.

    Args:
        id: The layer's name, or that of the directory.
        size_bytes: Of its files, and of the blobs that they were packed into.
        needed_by: What keeps it: ``image``, ``container``, ``running`` or nothing.
        name: The step that made it, if a record tells.
        used_ns: When it was last used, nanoseconds since the epoch.
        kind: What it is.
        in_use: Whether a container or a running process uses it.
        reasons: All that keeps it.
    """

    id: str
    size_bytes: int
    needed_by: str
    name: str
    used_ns: int
    kind: str = LAYER
    in_use: bool = False
    reasons: tuple[Reason, ...] = ()

    @property
    def is_shared(self) -> bool:
        """Whether an image has it."""
        return self.needed_by == "image"

    @property
    def is_mutable(self) -> bool:
        """Whether it may still change."""
        return self.kind in {MOUNT, REPOSITORY, DOWNLOAD}

    @property
    def short_id(self) -> str:
        """The beginning of the ID, as tables show it."""
        return self.id.rpartition(":")[2][:12]


def disk_usage(session: Session) -> list[DiskRow]:
    """Return a row for each layer, cache mount, and what else takes room, the largest first."""
    rows = [*layer_rows(session), *mount_rows(session, directories(session))]
    return by_size([*rows, *download_rows(session), *blob_rows(session, needed_blobs(session))])


def by_size(rows: list[DiskRow]) -> list[DiskRow]:
    """Return rows, the largest first."""
    return sorted(rows, key=lambda row: -row.size_bytes)


def layer_rows(session: Session, without: Collection[Digest] = ()) -> list[DiskRow]:
    """Return a row for each layer that is here.

    Args:
        session: The store.
        without: Images that count as gone.
    """
    kept, held = image_layers(session, without), held_layers(session)
    leased = session.store.leases()
    reasons = layer_reasons(session, without)
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
    used |= dict(
        session.store.database.query("SELECT layer, max(used_ns) FROM record GROUP BY layer")
    )
    rows = []
    for name, size in sizes.items():
        reason = "container" if name in held else "running" if name in leased else ""
        reason = "image" if name in kept else reason
        busy = name in held or name in leased
        why = reasons.get(name, ())
        row = DiskRow(name, size, reason, names.get(name, ""), used.get(name, 0), LAYER, busy, why)
        rows.append(row)
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
        why = (Reason("running", "step"), Reason("cache")) if reason else (Reason("cache"),)
        rows.append(
            DiskRow(
                mount.path.name,
                mount.size_bytes,
                reason,
                _NAMES[kind],
                mount.used_ns,
                kind,
                bool(reason),
                why,
            )
        )
    return rows


def download_rows(session: Session) -> list[DiskRow]:
    """Return a row for each download that was interrupted, or goes on."""
    return [
        DiskRow(
            each.digest,
            each.size_bytes,
            "running" if each.in_use else "",
            "interrupted download",
            each.used_ns,
            DOWNLOAD,
            each.in_use,
            (Reason("running", "download") if each.in_use else Reason("download"),),
        )
        for each in session.store.partial.all()
    ]


def blob_rows(session: Session, needed: Collection[str]) -> list[DiskRow]:
    """Return a row for each blob that is not needed and that no row of a layer counts.

    Args:
        session: The store.
        needed: Digests that are.
    """
    counted = {descriptor.digest for _, descriptor in _packed(session)}
    rows = []
    for digest in session.store.blobs.all():
        if digest not in needed and digest not in counted:
            with suppress(FileNotFoundError):
                st = session.store.blobs.path(digest).stat()
                rows.append(DiskRow(digest, st.st_size, "", "blob", st.st_mtime_ns, INTERNAL))
    return rows


def needed_blobs(
    session: Session, without: Collection[Digest] = (), layers: Collection[str] | None = None
) -> set[str]:
    """Return digests that images, packed layers and living processes need.

    Args:
        session: The store.
        without: Images that count as gone.
        layers: Those that stay; None for all.
    """
    from jettison.oci.codec import decode
    from jettison.oci.manifest import Manifest

    needed: set[str] = set(session.store.leases()) | listed_blobs(session.store)
    for image in session.store.images.all():
        if image.id in without:
            continue
        needed.add(image.id)
        if image.manifest is not None:
            needed.add(image.manifest.digest)
            if session.store.blobs.has(image.manifest.digest):
                data = session.store.blobs.read(image.manifest.digest, limit=4 << 20)
                needed |= {each.digest for each in decode(Manifest, data).layers}
    for layer, descriptor in _packed(session):
        if layers is None or layer in layers:
            needed.add(descriptor.digest)
    return needed


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
    counted: set[str] = set()
    for layer, descriptor in _packed(session):
        if descriptor.digest in counted:
            sizes.setdefault(layer, 0)  # another layer has it, too
        elif session.store.blobs.has(descriptor.digest):
            counted.add(descriptor.digest)
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


def image_layers(session: Session, without: Collection[Digest] = ()) -> set[str]:
    """Return the names of all layers of images, but of those that count as gone."""
    images = [image for image in session.store.images.all() if image.id not in without]
    return {each.layer for image in images for each in image.layers}


def kept_layers(session: Session, without: Collection[Digest] = ()) -> set[str]:
    """Return the layers of images and of containers, whose images may be gone."""
    return image_layers(session, without) | held_layers(session)

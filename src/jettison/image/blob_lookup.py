"""Looks up the blobs of a layer: those of the store, or where one can be fetched.

In:  names of layers.
Out: descriptors with sources; notes about blobs that came.
"""

from __future__ import annotations

import msgspec

from jettison.oci.digest import Digest
from jettison.oci.manifest import Descriptor
from jettison.oci.mediatype import LAYER_COMPRESSION
from jettison.store.layer import LayerId, PackedLayer
from jettison.store.store import Store


class Blob(msgspec.Struct, frozen=True):
    """A blob of a layer; ``source`` is where it can be had when the store does not have it."""

    descriptor: Descriptor
    source: str = ""


def find_blob(store: Store, layer: LayerId) -> Blob | None:
    """Find a blob of a layer, one in the store if possible; None if none is known."""
    here = store.layers.packed_any(layer)
    for compression in sorted(here, key=_cheapest_first):
        return Blob(here[compression].descriptor)
    remote = store.layers.remote(layer)
    return Blob(*remote) if remote is not None else None


def packed_name(compression: str, level: int | None) -> str:
    """Return under which name a blob that was packed here is noted.

    Until a level is named, the default of the version at hand made it.
    """
    return compression if level is None or compression == "none" else f"{compression}:{level}"


def record_blob(store: Store, layer: LayerId, diff_id: Digest, descriptor: Descriptor) -> None:
    """Record that the store has a blob of a layer."""
    compression = LAYER_COMPRESSION[descriptor.media_type]
    store.layers.add_packed(PackedLayer(layer, diff_id, descriptor), compression)


def _cheapest_first(compression: str) -> int:
    order = {"none": 0, "zstd": 1, "gzip": 2}
    return order.get(compression.partition(":")[0], 3)

"""What is kept about an image of the local store."""

from __future__ import annotations

import msgspec

from jettison.oci.digest import Digest
from jettison.oci.manifest import Descriptor
from jettison.store.layer import StoredLayer


class StoredImage(msgspec.Struct, frozen=True):
    """An image that names can point at.

    Args:
        id: Digest of the config blob, docker's image ID.
        config: The config blob's bytes.
        layers: Base first.
        manifest: Descriptor of the manifest it came with (pulled, loaded); None for a built one,
            whose manifest is made when it is exported.
        source: Reference that its layer blobs can be pulled from, or empty.
        created_ns: When it came into the store, nanoseconds since the epoch.
    """

    id: Digest
    config: bytes
    layers: tuple[StoredLayer, ...]
    manifest: Descriptor | None = None
    source: str = ""
    created_ns: int = 0

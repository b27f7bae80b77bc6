"""Names of layers.

A *layer* is one change of a root file system. It may be here as files (``snapshot``), as blobs
(packed and compressed, by media type), as both, or only at a registry; ``layers.Layer`` says what
is known of it.
"""

from __future__ import annotations

from typing import NewType

import msgspec

from jettison.oci.digest import Digest

LayerId = NewType("LayerId", str)
"""``diff:sha256:<hex>`` for a layer of an image that came from elsewhere (its diff ID),
``content:sha256:<hex>`` for a change made here: the digest of all that it holds, times included."""

Stack = tuple[LayerId, ...]
"""A root file system: layers, base first; empty for scratch."""


def image_layer_id(diff_id: Digest) -> LayerId:
    """Return the name of an image's layer."""
    return LayerId(f"diff:{diff_id}")


def made_layer_id(identity: Digest) -> LayerId:
    """Return the name of a change made here, from the digest of all that it holds."""
    return LayerId(f"content:{identity}")


def is_image_layer(layer: LayerId) -> bool:
    """Tell whether a layer came with an image from elsewhere."""
    return layer.startswith("diff:")


def content_name(content: str) -> str:
    """Return by what a change made here enters cache keys, from its content digest."""
    return f"content:{content}"


class StoredLayer(msgspec.Struct, frozen=True):
    """A layer of an image: its name here and the digest of its uncompressed tar."""

    layer: LayerId
    diff_id: Digest

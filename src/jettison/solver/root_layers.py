"""A root file system as keys know it: what came with an image counts as that image has it."""

from __future__ import annotations

import msgspec

from jettison.oci.digest import Digest
from jettison.store.layer import Stack


class RootLayers(msgspec.Struct, frozen=True):
    """Layers, and which of them came with an image.

    A machine that has made an image itself knows its layers as changes, another one as tars. The
    keys of what is built on them are the same on both: layers of an image enter them by their
    diff IDs, and all their times say something.

    Args:
        layers: Base first; empty for scratch.
        diff_ids: Of the image that the first layers are all of, in their order.
    """

    layers: Stack = ()
    diff_ids: tuple[Digest, ...] = ()

    def below(self) -> RootLayers:
        """Return what its last layer lies on."""
        count = len(self.layers) - 1
        return RootLayers(self.layers[:-1], self.diff_ids[: max(count, 0)])

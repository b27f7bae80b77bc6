"""What an engine is to us: something that runs images, and takes them in its own way.

In:  an image as a layout would hold it, whose layers need not be here.
Out: the image in the engine's store, under its names.

A new kind of engine is a module with a class that satisfies ``Engine`` and a case in
``engine.select``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import msgspec

from jettison.events import Progress
from jettison.image.layers import LayerBlobs
from jettison.image.layout import LayoutContents
from jettison.oci.digest import Digest
from jettison.oci.manifest import Descriptor
from jettison.oci.platform import Platform
from jettison.oci.reference import Reference
from jettison.store.layer import LayerId
from jettison.store.store import Store


class EngineImage(msgspec.Struct, frozen=True):
    """An image that an engine is to have.

    Args:
        contents: Documents, layers, and the list that docker reads.
        root: Its manifest, or the index of several.
        config: Digest of the config; of several images, of that for the engine.
        layers: Diff ID and blob of each layer of that image, base first.
        platforms: What it is for, one for each manifest.
        names: References that it gets; none leaves it without a name.
    """

    contents: LayoutContents
    root: Descriptor
    config: Digest
    layers: tuple[tuple[Digest, Digest], ...]
    platforms: tuple[Platform, ...]
    names: tuple[Reference, ...] = ()


class LayerFiles:
    """Blobs of layers as files, fetched when somebody wants them.

    Args:
        store: Keeps them.
        blobs: Fetches them.
    """

    def __init__(self, store: Store, blobs: LayerBlobs) -> None:
        self._store = store
        self._blobs = blobs

    def path(self, layer: tuple[LayerId, Descriptor, str], report: Progress) -> Path:
        """Return the file of a layer of ``LayoutContents``; safe for threads.

        Raises:
            SourceError, ContentError, StorageError: it cannot be had.
        """
        name, descriptor, source = layer
        self._blobs.fetch(name, descriptor, report, source=source)
        return self._store.blobs.path(descriptor.digest)


class Engine(Protocol):
    """An engine that answers.

    ``title`` is what people know it by; ``platform`` is what it runs, None where it does not say;
    ``takes_index`` tells whether it keeps images for several platforms under one name.
    """

    title: str
    platform: Platform | None
    takes_index: bool

    def load(self, image: EngineImage, report: Progress) -> None:
        """Make the engine have an image under its names.

        Raises:
            ExportError: it cannot be reached, refuses, or answers what it should not.
            SourceError, ContentError, StorageError: a layer cannot be had.
        """
        ...

    def close(self) -> None:
        """End the connection."""
        ...

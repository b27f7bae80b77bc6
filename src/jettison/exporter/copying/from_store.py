"""The local store as what images are copied from.

In:  stored images, or a manifest list.
Out: manifests as an export makes them; layers as blobs, fetched from where they came from if they
     are not here, unless a registry mounts them.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Sequence

from jettison.errors import ImageNotFoundError
from jettison.exporter.base import ExportServices
from jettison.exporter.copying.base import BlobFile
from jettison.exporter.copying.from_registry import RegistrySource
from jettison.exporter.layout_contents import ImageSet, build_set
from jettison.exporter.options import ImageOptions
from jettison.image.document import decode_document
from jettison.oci.codec import MAX_DOCUMENT_BYTES
from jettison.oci.digest import Digest, sha256_digest
from jettison.oci.manifest import Descriptor, Index
from jettison.oci.reference import Reference, parse_reference
from jettison.registry.client import PulledManifest
from jettison.store.image import StoredImage
from jettison.store.layer import LayerId
from jettison.store.lists import StoredList


class ImagesSource:
    """Images of the store under one name.

    Args:
        services: Has them.
        images: One per platform.

    Raises:
        StorageError: a layer is not here any more, or no space.
    """

    def __init__(self, services: ExportServices, images: Sequence[StoredImage]) -> None:
        self._services = services
        made = build_set(services, images, ImageOptions(), oci=None)
        self._root = PulledManifest(made.root, made.index_data or made.manifests[0].data)
        self._documents = _documents(made)
        self._layers: dict[Digest, tuple[LayerId, str]] = {
            descriptor.digest: (name, built.source)
            for built in made.manifests
            for name, descriptor in built.layers
        }

    def root(self) -> PulledManifest:
        """Return the manifest, or the index of several."""
        return self._root

    def document(self, descriptor: Descriptor) -> bytes:
        """Return a manifest."""
        return self._documents[descriptor.digest]

    def open(self, descriptor: Descriptor) -> BlobFile:
        """Open a blob; a layer that is not here is fetched."""
        small = self._documents.get(descriptor.digest)
        if small is not None:
            return io.BytesIO(small)
        layer, source = self._layers[descriptor.digest]
        self._services.blobs.fetch(layer, descriptor, source=source)
        return self._services.store.blobs.path(descriptor.digest).open("rb")

    def near(self, descriptor: Descriptor) -> Reference | None:
        """Return the repository that a layer came from."""
        if descriptor.digest not in self._layers:
            return None
        layer, came_from = self._layers[descriptor.digest]
        source = came_from or self._services.blobs.source(layer)
        return parse_reference(source) if source else None

    def referrers(self, digest: Digest) -> Sequence[PulledManifest]:
        """Return nothing: the store keeps no referrers."""
        return ()

    def tagged(self, tag: str) -> PulledManifest | None:
        """Return None, as ``referrers``."""
        return None


class ListSource:
    """A manifest list of the store, whose images may be in registries.

    Args:
        services: Has the store and the client.
        made: The list.
    """

    def __init__(self, services: ExportServices, made: StoredList) -> None:
        self._services = services
        self._list = made
        self._lock = threading.Lock()
        self._elsewhere: dict[Digest, str] = {}

    def root(self) -> PulledManifest:
        """Return the index."""
        data = self._list.data
        descriptor = Descriptor(self._list.media_type, sha256_digest(data), len(data))
        return PulledManifest(descriptor, data)

    def document(self, descriptor: Descriptor) -> bytes:
        """Return a manifest; what it names is where it came from."""
        blobs = self._services.store.blobs
        source = self._list.sources.get(descriptor.digest, "")
        with self._lock:
            source = source or self._elsewhere.get(descriptor.digest, "")
        if blobs.has(descriptor.digest):
            data = blobs.read(descriptor.digest, limit=MAX_DOCUMENT_BYTES)
        else:
            data = self._source(descriptor, source).document(descriptor)
        self._note_named(descriptor, data, source)
        return data

    def open(self, descriptor: Descriptor) -> BlobFile:
        """Open a blob of the store, else of the registry that has it."""
        path = self._services.store.blobs.path(descriptor.digest)
        if path.exists():
            return path.open("rb")
        return self._source(descriptor, self._elsewhere.get(descriptor.digest, "")).open(descriptor)

    def near(self, descriptor: Descriptor) -> Reference | None:
        """Return the repository that a blob came from."""
        source = self._elsewhere.get(descriptor.digest, "")
        return parse_reference(source) if source else None

    def referrers(self, digest: Digest) -> Sequence[PulledManifest]:
        """Return nothing: the store keeps no referrers."""
        return ()

    def tagged(self, tag: str) -> PulledManifest | None:
        """Return None, as ``referrers``."""
        return None

    def _note_named(self, descriptor: Descriptor, data: bytes, source: str) -> None:
        document = decode_document(data, descriptor.media_type)
        named = (
            document.manifests
            if isinstance(document, Index)
            else (document.config, *document.layers)
        )
        if source:
            with self._lock:
                self._elsewhere.update({each.digest: source for each in named})

    def _source(self, descriptor: Descriptor, source: str) -> RegistrySource:
        client = self._services.client
        if not source or client is None:
            raise ImageNotFoundError(
                f"`{descriptor.digest}`, which the list names, is not in the store",
                hint="pull or build the image again, and add it again",
            )
        return RegistrySource(client(), parse_reference(source))


def _documents(made: ImageSet) -> dict[Digest, bytes]:
    found = {built.descriptor.digest: built.data for built in made.manifests}
    found |= {built.config.digest: built.config_data for built in made.manifests}
    for said in made.attestations:
        found[said.descriptor.digest] = said.data
        found |= {each.digest: data for each, data in said.blobs}
    return found

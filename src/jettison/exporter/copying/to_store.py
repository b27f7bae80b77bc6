"""The local store as where images are copied to.

In:  ``Contents``, where its blobs are.
Out: images under a name, with the blobs of their layers, which nobody has unpacked; of an index
     the list as well, so that it leaves the store as it came.

Security: that a blob holds the tar that its image's config says is found out by reading it.
"""

from __future__ import annotations

from functools import partial

from jettison.errors import ExportError
from jettison.events import Progress
from jettison.exporter.base import ExportServices
from jettison.exporter.copying.base import Contents, CopiedManifest, CopySource
from jettison.exporter.copying.verified import pieces, small_blob, twice
from jettison.image.load import verify_layers
from jettison.image.names import main_image
from jettison.image.parallel import Stop, run_parallel
from jettison.image.pull import describe_image, keep_image
from jettison.oci.codec import MAX_DOCUMENT_BYTES, decode
from jettison.oci.manifest import Descriptor, Manifest
from jettison.oci.mediatype import INDEXES
from jettison.oci.reference import Reference
from jettison.store.image import StoredImage
from jettison.store.lists import StoredList

_PARALLEL = 4


class StoreDestination:
    """A name of the store.

    Args:
        services: Has the store.
        name: It, with a tag.
    """

    def __init__(self, services: ExportServices, name: Reference) -> None:
        self._services = services
        self._store = services.store
        self._name = name

    def write(self, contents: Contents, source: CopySource, report: Progress) -> None:
        """Write what is to be copied; see ``CopyDestination``.

        Raises:
            ExportError: the store cannot hold it.
            StorageError: no space.
            SourceError, ContentError: a blob cannot be had, or holds another layer.
        """
        images = self._images(contents)
        jobs = [partial(self._blob, source, each, report) for each in contents.blobs]
        run_parallel(jobs, limit=_PARALLEL)
        loaded = [self._described(each, source) for each in images]
        verify_layers(self._store, [(image, layers) for image, layers, _ in loaded])
        for each in contents.manifests:
            self._store.blobs.put(each.data)
        with self._store.database.transaction():
            for image, layers, came_from in loaded:
                for layer, descriptor in zip(image.layers, layers, strict=True):
                    self._store.layers.add_blob(layer.layer, layer.diff_id, descriptor)
                keep_image(self._store, image, layers, source=came_from)
            kept = [image for image, _, _ in loaded]
            main = main_image(kept, self._services.platform)
            self._store.images.tag(str(self._name), main.id, [each.id for each in kept])
            root = contents.root
            if root.descriptor.media_type in INDEXES:
                made = StoredList(root.data, root.descriptor.media_type)
                self._store.lists.put(str(self._name), made)

    def _images(self, contents: Contents) -> list[CopiedManifest]:
        """Return the images of a copy.

        Raises:
            ExportError: there are none, or what the store cannot hold.
        """
        where = f"cannot copy to `store:{self._name.familiar}`"
        if contents.referrers:
            raise ExportError(
                f"{where}: the store keeps no referrers",
                hint="leave `--referrers` out, or copy to a layout or a registry",
            )
        if contents.foreign:
            raise ExportError(
                f"{where}: layers of the image must not be copied", hint="use `jettison pull`"
            )
        images = [each for each in contents.manifests if each.is_image]
        # What is beside images in an index is kept with it.
        if not images or not (contents.root.is_image or contents.root.blobs == ()):
            raise ExportError(
                f"{where}: the store holds images, and this is none",
                hint="copy to a layout, as oci:DIR, or to a registry",
            )
        return images

    def _described(
        self, each: CopiedManifest, source: CopySource
    ) -> tuple[StoredImage, tuple[Descriptor, ...], str]:
        """Return an image, its layers' descriptors, and the reference that has them elsewhere."""
        manifest = decode(Manifest, each.data)
        config = small_blob(source, manifest.config, MAX_DOCUMENT_BYTES)
        near = source.near(manifest.config)
        came_from = str(near) if near is not None else ""
        image = describe_image(self._store, manifest, each.descriptor, config, source=came_from)
        return image, manifest.layers, came_from

    def _blob(
        self, source: CopySource, descriptor: Descriptor, report: Progress, stop: Stop
    ) -> None:
        blobs = self._store.blobs
        blobs.lease((descriptor.digest,))
        if blobs.has(descriptor.digest):
            report(descriptor.digest, descriptor.size, descriptor.size)
            return

        def write() -> None:
            with blobs.writer(descriptor) as writer:
                for data in pieces(source, descriptor, report, stop):
                    writer.write(data)
                writer.commit()

        twice(write)

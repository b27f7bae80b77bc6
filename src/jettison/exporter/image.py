"""Images of the local store: names that point at them, and perhaps a push.

In:  stored images, names.
Out: names in the store.
"""

from __future__ import annotations

from collections.abc import Sequence

from jettison.errors import ExportError
from jettison.events import Progress
from jettison.exporter.base import ExportResult, ExportServices
from jettison.exporter.options import image_options
from jettison.exporter.outputs import ImageOutput
from jettison.image.manifest import Compression
from jettison.oci.reference import Reference
from jettison.store.image import StoredImage


class StoreExporter:
    """``type=image``.

    Args:
        output: What is wanted.
        names: References for one without names.
        services: Has the store.
    """

    def __init__(
        self, output: ImageOutput, names: Sequence[Reference], services: ExportServices
    ) -> None:
        self.rewrites = output.rewrite_timestamp
        self._output = output
        self._options = image_options(output, names)
        self._services = services

    @property
    def packs(self) -> Compression | None:
        """Blobs are needed for a push only."""
        return self._options.compression if self._output.push else None

    def export(self, images: Sequence[StoredImage], report: Progress) -> ExportResult:
        """Keep the images and name the first one; see ``Exporter``."""
        names = tuple(str(name) for name in self._options.names)
        store = self._services.store
        if len(images) > 1 and names and not self._output.push:
            raise ExportError(
                "a name of the local store points at one platform's image",
                hint="build one platform, or use `type=oci` or `type=registry`",
            )
        with store.database.transaction():
            for image in images:
                store.images.add(image)
            if len(images) == 1:
                for name in names:
                    store.images.tag(name, images[0].id)
        if not self._output.push:
            return ExportResult(None, names)
        from jettison.exporter.registry import push  # the client is heavy

        return push(
            self._services,
            images,
            self._options,
            report,
            insecure=self._output.insecure,
            by_digest=self._output.push_by_digest,
        )

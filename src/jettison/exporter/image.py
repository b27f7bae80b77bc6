"""Images of the local store: names that point at them, and perhaps a push.

In:  stored images, names.
Out: names in the store.
"""

from __future__ import annotations

from collections.abc import Sequence

from jettison.errors import UsageError
from jettison.events import Progress
from jettison.exporter.base import ExportResult, ExportServices
from jettison.exporter.options import (
    image_options,
    image_wishes,
    packed_early,
    pushed_options,
)
from jettison.exporter.outputs import ImageOutput
from jettison.image.manifest import Compression
from jettison.image.names import main_image
from jettison.oci.reference import Reference
from jettison.store.image import StoredImage


class StoreExporter:
    """``type=image``.

    Args:
        output: What is wanted.
        names: References for one without names.
        services: Has the store.

    Raises:
        UsageError: there is no name to push to.
    """

    def __init__(
        self, output: ImageOutput, names: Sequence[Reference], services: ExportServices
    ) -> None:
        self.wishes = image_wishes(output)
        self._output = output
        self._options = image_options(output, names)
        self._pushed = pushed_options(output, names)
        self._services = services
        if output.push and not self._pushed.names:
            raise UsageError(
                "output `type=image,push=true` needs a name", hint="add `-t NAME` or `name=NAME`"
            )

    @property
    def packs(self) -> Compression | None:
        """Blobs are needed for a push only."""
        return packed_early(self._options.compression) if self._output.push else None

    def export(self, images: Sequence[StoredImage], report: Progress) -> ExportResult:
        """Keep the images; a name points at this machine's of several; see ``Exporter``."""
        names = self._keep(images) if self._output.store else ()
        if self._output.unpack:
            for image in images:
                self._services.blobs.materialise(tuple(each.layer for each in image.layers), report)
        if not self._output.push:
            return ExportResult(None, names)
        from jettison.exporter.registry import push  # the client is heavy

        return push(self._services, images, self._pushed, report, insecure=self._output.insecure)

    def _keep(self, images: Sequence[StoredImage]) -> tuple[str, ...]:
        names = tuple(str(name) for name in self._options.names)
        store = self._services.store
        main = main_image(images, self._services.platform)
        with store.database.transaction():
            for image in images:
                store.images.add(image)
            for name in names:
                store.images.tag(name, main.id, [image.id for image in images])
        return names

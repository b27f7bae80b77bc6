"""Image archives: OCI layouts and tars that docker loads.

In:  stored images.
Out: a tar (``image.archive``) or a layout directory (``image.layout``).
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import msgspec

from jettison.errors import ExportError
from jettison.events import Progress
from jettison.exporter.base import ExportResult, ExportServices
from jettison.exporter.destination import (
    open_file,
    open_layout,
    require_place,
)
from jettison.exporter.layout_contents import build_set, fetch_layers, layout_contents
from jettison.exporter.options import image_options, image_wishes, packed_early
from jettison.exporter.outputs import STANDARD_OUTPUT, DockerOutput, OciOutput
from jettison.image.archive import write_archive
from jettison.image.layout import LayoutContents
from jettison.image.manifest import Compression
from jettison.oci.layout import INDEX
from jettison.oci.reference import Reference
from jettison.store.image import StoredImage


class ArchiveExporter:
    """``type=oci`` and ``type=docker``.

    Args:
        output: What is wanted.
        names: References for one without names.
        services: Has the images.

    Raises:
        ExportError: there is no directory for its file.
    """

    def __init__(
        self,
        output: OciOutput | DockerOutput,
        names: Sequence[Reference],
        services: ExportServices,
    ) -> None:
        self.wishes = image_wishes(output)
        # An archive has nothing beside it: what is said of its images is in their index.
        self._options = msgspec.structs.replace(image_options(output, names), inline=True)
        self._docker = isinstance(output, DockerOutput)
        self._tar = output.tar
        self._dest = output.dest
        self._services = services
        if output.tar:
            require_place(output.dest)

    @property
    def packs(self) -> Compression | None:
        """Every layer is written as a blob."""
        return packed_early(self._options.compression)

    def export(self, images: Sequence[StoredImage], report: Progress) -> ExportResult:
        """Write the archive or the layout; see ``Exporter``."""
        if self._docker and len(images) > 1:
            raise ExportError(
                "docker's archives hold one platform each",
                hint="use `type=oci`, or build one platform",
            )
        # Readers of layouts (skopeo, podman) know no docker media types, docker knows both.
        oci = self._options.oci is not False
        made = build_set(self._services, images, self._options, oci=oci)
        contents = layout_contents(
            [(made, self._options.names)],
            self._options.notes("index-descriptor"),
            docker=self._docker,
        )
        fetch_layers(self._services, contents, report)
        blob_path = self._services.store.blobs.path
        if self._tar:
            with open_file(self._dest, self._services.stdout) as sink:
                write_archive(sink, contents, blob_path, report)
        else:
            self._write_directory(contents, report)
        path = "" if self._dest == STANDARD_OUTPUT else self._dest
        return ExportResult(
            made.root,
            tuple(str(name) for name in self._options.names),
            path,
            made.lost_annotations(self._options, layout=True),
        )

    def _write_directory(self, contents: LayoutContents, report: Progress) -> None:
        blob_path = self._services.store.blobs.path
        with open_layout(self._dest) as layout:
            there = layout.index().manifests if os.path.exists(f"{layout.path}/{INDEX}") else ()
            layout.write(contents, blob_path, report, there)

"""The exporter of engines: what builds and ``api.engine`` load images with.

In:  an ``EngineOutput``; stored images.
Out: the images in the engine, under their names.

The engine is looked for before anything is built: one that does not answer fails the build at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from jettison.engine.base import Engine, EngineImage, LayerFiles
from jettison.engine.context import DOCKER_SOCKET
from jettison.engine.select import connect, find_engine, is_named
from jettison.events import Progress
from jettison.exporter.base import ExportResult, ExportServices
from jettison.exporter.layout_contents import build_set, layout_contents
from jettison.exporter.options import image_options, image_wishes, packed_early
from jettison.exporter.outputs import EngineOutput
from jettison.image.manifest import Compression, image_platform
from jettison.image.names import main_image
from jettison.oci.codec import decode
from jettison.oci.config import ImageConfig
from jettison.oci.reference import Reference
from jettison.store.image import StoredImage

_MISSED = (
    f"no engine of docker is named, and none listens at {DOCKER_SOCKET}: the image is in the"
    " local store only"
)


class EngineExporter:
    """Loads images into an engine; see ``Exporter``.

    Args:
        output: What is wanted.
        names: References for one without names.
        services: Has the images.
        environ: Names engines, and is that of their programs.

    Raises:
        UsageError: what names the engine is malformed.
        ExportError: it does not answer.
    """

    def __init__(
        self,
        output: EngineOutput,
        names: Sequence[Reference],
        services: ExportServices,
        environ: Mapping[str, str],
    ) -> None:
        self.wishes = image_wishes(output)
        self._options = image_options(output, names)
        self._services = services
        files = LayerFiles(services.store, services.blobs)
        self._engine: Engine | None = None
        self._is_missed = False
        if output.optional and not is_named(output.engine, output.context, environ):
            self._is_missed = bool(output.engine)
            return
        where = find_engine(output.engine, output.context, environ)
        self._engine = connect(where, files, environ, services.platform)
        self._engine.close()  # it is asked again when there is an image, which may take long

    @property
    def title(self) -> str:
        """What it does, for people; empty if there is nothing to do."""
        if self._is_missed:
            return "looking for an engine"
        return f"loading into {self._engine.title}" if self._engine else ""

    @property
    def packs(self) -> Compression | None:
        """Layers are given as blobs."""
        return packed_early(self._options.compression) if self._engine else None

    def export(self, images: Sequence[StoredImage], report: Progress) -> ExportResult:
        """Load images: all of them where the engine keeps an index, else that for it."""
        engine = self._engine
        if engine is None:
            return ExportResult(warning=_MISSED)
        main = main_image(images, engine.platform)
        chosen = list(images) if engine.takes_index else [main]
        oci = self._options.oci is not False
        made = build_set(self._services, chosen, self._options, oci=oci)
        root = made.root if engine.takes_index else made.manifests[0].descriptor
        contents = layout_contents(
            [(made, self._options.names)], {}, docker=True, platform=engine.platform
        )
        manifest = next(each for each in made.manifests if each.config.digest == main.id)
        diff_ids = decode(ImageConfig, main.config).rootfs.diff_ids
        blobs = (descriptor.digest for _, descriptor in manifest.layers)
        image = EngineImage(
            contents=contents,
            root=root,
            config=main.id,
            layers=tuple(zip(diff_ids, blobs, strict=True)),
            platforms=tuple(image_platform(each.config_data) for each in made.manifests),
            names=self._options.names,
        )
        try:
            engine.load(image, report)
        finally:
            engine.close()
        warning = made.lost_annotations(self._options, layout=False)
        return ExportResult(root, tuple(map(str, self._options.names)), warning=warning)

"""``save``: images with their names in one archive that docker, podman and Jettison load.

In:  stored images by the text that named them.
Out: a tar: an OCI layout with a ``manifest.json``.
"""

from __future__ import annotations

from collections.abc import Sequence

from jettison.errors import InvalidReferenceError
from jettison.events import Progress, no_progress
from jettison.exporter.base import ExportResult, ExportServices
from jettison.exporter.destination import open_file
from jettison.exporter.layout_contents import build_set, fetch_layers, layout_contents
from jettison.exporter.options import ImageOptions
from jettison.exporter.outputs import STANDARD_OUTPUT
from jettison.image.archive import write_archive
from jettison.oci.digest import Digest
from jettison.oci.reference import Reference, parse_reference
from jettison.store.image import StoredImage


def save_images(
    images: Sequence[tuple[str, StoredImage]],
    dest: str,
    services: ExportServices,
    report: Progress = no_progress,
) -> ExportResult:
    """Write images into one archive.

    Args:
        images: Each with the text that named it: a name goes into the archive, an ID does not.
        dest: File, or ``-``.
        services: Has the images.
        report: Called with bytes per item.

    Raises:
        ExportError: it cannot be written.
        StorageError: the store lacks something.
    """
    names: dict[Digest, list[Reference]] = {}
    for text, image in images:
        found = names.setdefault(image.id, [])
        reference = _name(services, text, image)
        if reference is not None and reference not in found:
            found.append(reference)
    once = {image.id: image for _, image in images}
    sets = [
        (build_set(services, [image], ImageOptions(), oci=True), tuple(names[image.id]))
        for image in once.values()
    ]
    contents = layout_contents(sets, {}, docker=True)
    fetch_layers(services, contents, report)
    with open_file(dest, services.stdout) as sink:
        write_archive(sink, contents, services.store.blobs.path, report)
    every = tuple(str(name) for each in names.values() for name in each)
    return ExportResult(None, every, "" if dest == STANDARD_OUTPUT else dest)


def _name(services: ExportServices, text: str, image: StoredImage) -> Reference | None:
    try:
        reference = parse_reference(text)
    except InvalidReferenceError:
        return None
    named = services.store.images.lookup(str(reference))
    return reference if named is not None and named.id == image.id else None

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
    images: Sequence[tuple[str, Sequence[StoredImage]]],
    dest: str,
    services: ExportServices,
    report: Progress = no_progress,
) -> ExportResult:
    """Write images into one archive.

    Args:
        images: Those of each text that named them, one for each platform: a name goes into the
            archive, an ID does not.
        dest: File, or ``-``.
        services: Has the images.
        report: Called with bytes per item.

    Raises:
        ExportError: it cannot be written.
        StorageError: the store lacks something.
    """
    names: dict[tuple[Digest, ...], list[Reference]] = {}
    groups: dict[tuple[Digest, ...], Sequence[StoredImage]] = {}
    for text, group in images:
        ids = tuple(image.id for image in group)
        groups[ids] = group
        found = names.setdefault(ids, [])
        reference = _name(services, text, group)
        if reference is not None and reference not in found:
            found.append(reference)
    sets = [
        (build_set(services, group, ImageOptions(), oci=True), tuple(names[ids]))
        for ids, group in groups.items()
    ]
    contents = layout_contents(sets, {}, docker=True, platform=services.platform)
    fetch_layers(services, contents, report)
    with open_file(dest, services.stdout) as sink:
        write_archive(sink, contents, services.store.blobs.path, report)
    every = tuple(str(name) for each in names.values() for name in each)
    return ExportResult(None, every, "" if dest == STANDARD_OUTPUT else dest)


def _name(services: ExportServices, text: str, images: Sequence[StoredImage]) -> Reference | None:
    try:
        reference = parse_reference(text)
    except InvalidReferenceError:
        return None
    named = {image.id for image in services.store.images.named(str(reference))}
    return reference if named & {image.id for image in images} else None

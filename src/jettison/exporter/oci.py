"""Image archives: OCI layouts and tars that docker loads.

In:  stored images.
Out: a tar or a layout directory. ``type=docker`` is the same layout with a ``manifest.json``, so
that docker, podman and skopeo read it, whichever form they know.

On disk::

    oci-layout  index.json  blobs/sha256/<hex>  [manifest.json]

Source: OCI image-spec 1.1, image-layout.md; docker image-spec 1.2.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import msgspec

from jettison.errors import ExportError, ImageNotFoundError, InvalidManifestError
from jettison.events import Progress
from jettison.exporter.archive import ArchiveWriter
from jettison.exporter.base import ExportResult, ExportServices
from jettison.exporter.destination import (
    beside,
    copy_bytes,
    export_errors,
    is_empty,
    new_directory,
    open_file,
    require_place,
)
from jettison.exporter.layout_contents import (
    ImageSet,
    LayoutContents,
    blob_name,
    build_set,
    fetch_layers,
    layout_contents,
)
from jettison.exporter.options import image_options
from jettison.exporter.outputs import STANDARD_OUTPUT, DockerOutput, OciOutput
from jettison.fs.atomic import write_atomically
from jettison.image.layout import IMAGE_NAME, REF_NAME, OciLayout
from jettison.image.manifest import Compression
from jettison.oci.manifest import Descriptor
from jettison.oci.reference import Reference
from jettison.store.image import StoredImage

_LAYOUT = b'{"imageLayoutVersion":"1.0.0"}'


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
        self.rewrites = output.rewrite_timestamp
        self._options = image_options(output, names)
        self._docker = isinstance(output, DockerOutput)
        self._tar = output.tar
        self._dest = output.dest
        self._services = services
        if output.tar:
            require_place(output.dest)

    @property
    def packs(self) -> Compression:
        """Every layer is written as a blob."""
        return self._options.compression

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
            [(made, self._options.names)], self._options.notes("index-descriptor")
        )
        docker = docker_manifest([(made, self._options.names)]) if self._docker else b""
        fetch_layers(self._services, contents, report)
        if self._tar:
            with open_file(self._dest, self._services.stdout) as sink:
                write_archive(self._services, sink, contents, docker, report)
        else:
            self._write_directory(contents, docker, report)
        path = "" if self._dest == STANDARD_OUTPUT else self._dest
        return ExportResult(made.root, tuple(str(name) for name in self._options.names), path)

    def _write_directory(self, contents: LayoutContents, docker: bytes, report: Progress) -> None:
        path = Path(self._dest)
        if is_empty(path):
            with new_directory(path) as directory:
                _fill(self._services, directory, contents, report)
                self._write_documents(directory, contents, docker, [])
            return
        with export_errors(self._dest):
            try:
                entries = OciLayout(os.path.abspath(path)).index().manifests
            except (InvalidManifestError, ImageNotFoundError) as error:
                raise ExportError(
                    f"cannot write `{self._dest}`: it is not empty and no OCI layout",
                    hint="name another directory",
                ) from error
            _fill(self._services, path, contents, report)
            self._write_documents(path, contents, docker, _without(entries, contents))

    def _write_documents(
        self, directory: Path, contents: LayoutContents, docker: bytes, others: list[Descriptor]
    ) -> None:
        """Write what points at blobs, after them."""
        if docker:
            write_atomically(directory / "manifest.json", docker)
        write_atomically(directory / "index.json", contents.index(others))
        write_atomically(directory / "oci-layout", _LAYOUT)


class _DockerEntry(msgspec.Struct, rename="pascal"):
    config: str
    repo_tags: list[str] | None
    layers: list[str]


def docker_manifest(sets: Sequence[tuple[ImageSet, Sequence[Reference]]]) -> bytes:
    """Return ``manifest.json``; one entry per image, whatever its number of names."""
    entries = [
        _DockerEntry(
            config=blob_name(built.config.digest),
            repo_tags=[name.familiar for name in names] or None,
            layers=[blob_name(descriptor.digest) for _, descriptor in built.layers],
        )
        for images, names in sets
        for built in images.manifests
    ]
    return msgspec.json.encode(entries)


def write_archive(
    services: ExportServices,
    sink: BinaryIO,
    contents: LayoutContents,
    docker: bytes,
    report: Progress,
) -> None:
    """Write a layout as a tar; ``docker`` are the bytes of ``manifest.json``, if it has one.

    All blobs of layers are in the store.
    """
    writer = ArchiveWriter(sink)
    writer.add("oci-layout", _LAYOUT)
    writer.add("index.json", contents.index())
    if docker:
        writer.add("manifest.json", docker)
    for digest, data in contents.documents.items():
        writer.add(blob_name(digest), data)
    for _, descriptor, _ in contents.layers:
        path = services.store.blobs.path(descriptor.digest)
        report(descriptor.digest, 0, descriptor.size)
        writer.add_file(blob_name(descriptor.digest), path, descriptor.size)
        report(descriptor.digest, descriptor.size, descriptor.size)
    writer.close()


def _fill(
    services: ExportServices, directory: Path, contents: LayoutContents, report: Progress
) -> None:
    """Copy blobs into a layout directory, those that it lacks."""
    for digest, data in contents.documents.items():
        target = directory / blob_name(digest)
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            write_atomically(target, data)
    for _, descriptor, _ in contents.layers:
        target = directory / blob_name(descriptor.digest)
        target.parent.mkdir(parents=True, exist_ok=True)
        report(descriptor.digest, 0, descriptor.size)
        if not target.exists():
            _copy_blob(services.store.blobs.path(descriptor.digest), target)
        report(descriptor.digest, descriptor.size, descriptor.size)


def _copy_blob(source: Path, target: Path) -> None:
    temporary = beside(target)
    try:
        with source.open("rb") as read, temporary.open("xb") as written:
            copy_bytes(read, written)
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def _without(entries: Sequence[Descriptor], contents: LayoutContents) -> list[Descriptor]:
    """Return the entries of a layout that new ones do not replace, by name or as unnamed."""

    def key(entry: Descriptor) -> tuple[str, str]:
        return entry.annotations.get(IMAGE_NAME, ""), entry.annotations.get(REF_NAME, "")

    replaced = {key(entry) for entry in contents.entries}
    return [entry for entry in entries if key(entry) not in replaced]

"""Archives that images are copied to: OCI layouts as tars, and those that docker loads.

In:  ``Contents``, where its blobs are.
Out: a tar, which gets its name when it is whole. Blobs go into it one by one, as they come.

An archive for docker is an OCI layout, too, with a ``manifest.json``: who reads layouts finds the
image under its digest. Layers stay compressed: docker, podman and skopeo take them so.
"""

from __future__ import annotations

from typing import BinaryIO

from jettison.errors import ExportError
from jettison.events import Progress
from jettison.exporter.copying.base import Contents, CopySource
from jettison.exporter.copying.place import DOCKER_ARCHIVE, Place
from jettison.exporter.copying.to_layout import entries
from jettison.exporter.copying.verified import pieces
from jettison.exporter.destination import open_file, require_place
from jettison.image.archive import ArchiveWriter, DockerImage, encode_docker_manifest
from jettison.image.layout import IMAGE_NAME, LayoutContents
from jettison.oci.codec import decode
from jettison.oci.layout import blob_name
from jettison.oci.manifest import Manifest
from jettison.oci.mediatype import INDEXES
from jettison.oci.reference import parse_reference


class ArchiveDestination:
    """A tar.

    Args:
        place: Its path, ``-`` for standard output, and the name that the copy gets.
        stdout: Where ``-`` goes.

    Raises:
        ExportError: there is no directory for it.
    """

    def __init__(self, place: Place, stdout: BinaryIO | None) -> None:
        require_place(place.path)
        self._place = place
        self._stdout = stdout

    def write(self, contents: Contents, source: CopySource, report: Progress) -> None:
        """Write what is to be copied; see ``CopyDestination``.

        Raises:
            ExportError: it cannot be written, or cannot hold this.
            SourceError, ContentError: a blob cannot be had.
        """
        docker = b""
        index = entries(contents, self._place.name)
        if self._place.transport == DOCKER_ARCHIVE:
            docker = encode_docker_manifest([self._docker_image(contents)])
            if self._place.name:
                index[0].annotations[IMAGE_NAME] = str(parse_reference(self._place.name))
        pointers = LayoutContents(index, {}, (), docker).pointers()
        with open_file(self._place.path, self._stdout) as sink:
            writer = ArchiveWriter(sink)
            for name, data in reversed(pointers.items()):
                writer.add(name, data)
            for each in contents.every:
                writer.add(blob_name(each.descriptor.digest), each.data)
            for blob in contents.blobs:
                writer.add_pieces(blob_name(blob.digest), pieces(source, blob, report), blob.size)
            writer.close()

    def _docker_image(self, contents: Contents) -> DockerImage:
        """Return the entry of ``manifest.json``.

        Raises:
            ExportError: docker's archives hold no such thing.
        """
        root, where = contents.root, f"`{self._place.path}`"
        if root.descriptor.media_type in INDEXES:
            raise ExportError(
                f"cannot write {where}: docker's archives hold the image of one platform",
                hint="use `oci-archive:FILE`, or leave `--all` out",
            )
        if not root.is_image:
            raise ExportError(
                f"cannot write {where}: docker's archives hold images, and this is none",
                hint="use `oci-archive:FILE`",
            )
        if contents.foreign:
            raise ExportError(
                f"cannot write {where}: layers of the image must not be copied, and docker needs"
                " all",
                hint="use `oci-archive:FILE`",
            )
        manifest = decode(Manifest, root.data)
        return DockerImage(
            config=blob_name(manifest.config.digest),
            repo_tags=(self._place.name,) if self._place.name else None,
            layers=tuple(blob_name(each.digest) for each in manifest.layers),
        )

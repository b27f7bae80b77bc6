"""An engine that answers at an address: what all kinds of them are asked alike.

In:  an image.
Out: what the engine says of it, names for it, an archive that it loads.

Source: docker's Engine API, ``/images/{name}/json``, ``/images/{name}/tag``, ``/images/load``;
podman answers the same.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

import msgspec

from jettison.engine.base import EngineImage, LayerFiles
from jettison.engine.client import EngineClient, RefusedError
from jettison.errors import ExportError
from jettison.events import Progress
from jettison.image.archive import write_archive
from jettison.image.layout import LayoutContents
from jettison.image.parallel import Stop, run_parallel
from jettison.oci.digest import Digest
from jettison.oci.manifest import Descriptor
from jettison.oci.platform import Platform
from jettison.store.layer import LayerId

_FETCHES = 4


class _RootFS(msgspec.Struct, frozen=True):
    layers: tuple[str, ...] | None = msgspec.field(default=None, name="Layers")


class Inspected(msgspec.Struct, frozen=True):
    """What an engine says of one of its images."""

    id: str = msgspec.field(default="", name="Id")
    rootfs: _RootFS = msgspec.field(default=_RootFS(), name="RootFS")

    @property
    def layers(self) -> tuple[str, ...]:
        """Diff IDs, base first."""
        return self.rootfs.layers or ()


class EngineService:
    """An engine at an address; kinds of it say how they load.

    Args:
        client: Speaks with it.
        files: Has the layers of images.
        platform: What it runs.
    """

    product = "docker"

    def __init__(self, client: EngineClient, files: LayerFiles, platform: Platform | None) -> None:
        self.title = f"{self.product} at {client.address.text}"
        self.platform = platform
        self.client = client
        self.files = files

    def close(self) -> None:
        """End the connection."""
        self.client.close()

    def inspect(self, name: str) -> Inspected | None:
        """Return what it knows of an image; None if it has none of that name or ID.

        Raises:
            ExportError: it cannot be reached, or answers what it should not.
        """
        try:
            return self.client.document(f"/images/{quote(name, safe='/:@')}/json", Inspected)
        except RefusedError as error:
            if error.status == 404:
                return None
            raise

    def tag(self, name: str, image: EngineImage) -> None:
        """Give one of its images the names that it is to have.

        Raises:
            ExportError: it refuses.
        """
        path = f"/images/{quote(name, safe='/:@')}/tag"
        for each in image.names:
            repository = each.familiar.removesuffix(f":{each.tag}")
            self.client.call("POST", path, {"repo": repository, "tag": each.tag})

    def send_archive(
        self, image: EngineImage, report: Progress, known: Collection[Digest] = ()
    ) -> None:
        """Have it load an archive, which is written while it is sent.

        Args:
            image: What is loaded.
            report: Called with bytes per blob.
            known: Blobs of layers that it has, and does not get.

        Raises:
            RefusedError: it says no.
            ExportError: it cannot be reached, or hangs up.
            SourceError, ContentError, StorageError: a layer cannot be had.
        """
        write = _archive(self.files, image, report, known)
        self.client.work("/images/load", {"quiet": "1"}, write)

    def require_had(self, found: Inspected | None, layers: tuple[str, ...] | None = None) -> None:
        """See that it has what it said to have taken.

        Args:
            found: What it knows of the image.
            layers: Diff IDs that the image has; None if they are not looked at.

        Raises:
            ExportError: it has not.
        """
        if found is None or (layers is not None and found.layers != layers):
            raise ExportError(
                f"{self.title} took the image and does not have it",
                hint="look into the log of the engine",
            )


class PullingService(EngineService):
    """An engine that pulls from a registry of ours, where it can reach one."""

    def pull_or_send(self, image: EngineImage, report: Progress, name: str) -> None:
        """Have it pull an image, or send it; see that it is there by a name or ID.

        Raises:
            ExportError, SourceError, ContentError, StorageError: see ``Engine``.
        """
        # An image without a name would go with the name that it was pulled by.
        is_pulled = image.names and self.client.address.is_near and self.pull(image, report)
        if not is_pulled:
            self.send_archive(image, report)
        self.require_had(self.inspect(name))

    def pull(self, image: EngineImage, report: Progress) -> bool:
        """Have it pull and name an image; return False if it cannot.

        Raises:
            ExportError: it hangs up.
            SourceError, ContentError, StorageError: a layer cannot be had.
        """
        raise NotImplementedError


def _archive(
    files: LayerFiles,
    image: EngineImage,
    report: Progress,
    known: Collection[Digest],
) -> Callable[[BinaryIO], None]:
    """Return what writes the archive of an image; see ``EngineService.send_archive``."""

    def fetch(layer: tuple[LayerId, Descriptor, str], stop: Stop) -> tuple[Digest, Path]:
        stop.check()
        return layer[1].digest, files.path(layer, report)

    lacking = [each for each in image.contents.layers if each[1].digest not in known]
    jobs = [lambda stop, each=each: fetch(each, stop) for each in lacking]
    paths = dict(run_parallel(jobs, limit=_FETCHES))
    layers = tuple(
        (layer, descriptor, source)
        if descriptor.digest in paths
        else (layer, msgspec.structs.replace(descriptor, size=0), source)
        for layer, descriptor, source in image.contents.layers
    )
    contents: LayoutContents = msgspec.structs.replace(image.contents, layers=layers)
    nothing = Path(os.devnull)

    def write(sink: BinaryIO) -> None:
        write_archive(sink, contents, lambda digest: paths.get(digest, nothing), report)

    return write

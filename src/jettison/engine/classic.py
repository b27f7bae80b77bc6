"""Docker with a graph driver: an archive, in which layers that it has are empty files.

In:  an image.
Out: ``POST /images/load``, as little of it as the engine lacks.

The engine unpacks a layer only if it has none of its chain, that is of its diff ID and those of
all below. So what it has need not be sent: its place in the archive is an empty file, which is
never opened. Which it has is found in the lists of layers of its images. If it refuses, since it
removed one meanwhile or looks closer, the whole archive is sent.

Source: moby, image/tarexport/load.go; imgutil#81, where buildpacks do the same.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
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

_IMAGES = 500
"""At most so many images of the engine are looked at, the newest first."""
_FETCHES = 4


class _Summary(msgspec.Struct, frozen=True):
    id: str = msgspec.field(default="", name="Id")
    created: int = msgspec.field(default=0, name="Created")


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


class ClassicEngine:
    """Docker with a graph driver.

    Args:
        client: Speaks with it.
        files: Has the layers of images.
        platform: What it runs.
    """

    takes_index = False

    def __init__(self, client: EngineClient, files: LayerFiles, platform: Platform | None) -> None:
        self.title = f"docker at {client.address.text}"
        self.platform = platform
        self._client = client
        self._files = files

    def close(self) -> None:
        """End the connection."""
        self._client.close()

    def load(self, image: EngineImage, report: Progress) -> None:
        """Load what the engine lacks; see ``Engine``."""
        if inspect(self._client, image.config) is not None:
            tag(self._client, image.config, image)
            return
        known = self._known(image)
        if known:
            try:
                send_archive(self._client, self._files, image, report, known)
            except RefusedError:
                known = set()
        if not known:
            send_archive(self._client, self._files, image, report)
        found = inspect(self._client, image.config)
        if found is None or found.layers != tuple(diff_id for diff_id, _ in image.layers):
            raise ExportError(
                f"{self.title} took the image and does not have it",
                hint="look into the log of the engine",
            )

    def _known(self, image: EngineImage) -> set[Digest]:
        """Return the blobs of layers that the engine has, in their chain."""
        wanted = tuple(diff_id for diff_id, _ in image.layers)
        most = 0
        for layers in self._chains():
            same = 0
            for ours, theirs in zip(wanted, layers, strict=False):
                if ours != theirs:
                    break
                same += 1
            most = max(most, same)
            if most == len(wanted):
                break
        lacking = {blob for _, blob in image.layers[most:]}
        return {blob for _, blob in image.layers[:most]} - lacking

    def _chains(self) -> Iterator[tuple[str, ...]]:
        images = self._client.document("/images/json", list[_Summary])
        images.sort(key=lambda each: -each.created)
        for each in images[:_IMAGES]:
            found = inspect(self._client, each.id)
            if found is not None:
                yield found.layers


def inspect(client: EngineClient, name: str) -> Inspected | None:
    """Return what an engine knows of an image; None if it has none of that name or ID.

    Raises:
        ExportError: it cannot be reached, or answers what it should not.
    """
    try:
        return client.document(f"/images/{quote(name, safe='/:@')}/json", Inspected)
    except RefusedError as error:
        if error.status == 404:
            return None
        raise


def tag(client: EngineClient, name: str, image: EngineImage) -> None:
    """Give an image of an engine the names that it is to have.

    Raises:
        ExportError: it refuses.
    """
    for each in image.names:
        repository = each.familiar.removesuffix(f":{each.tag}")
        client.call(
            "POST", f"/images/{quote(name, safe='/:@')}/tag", {"repo": repository, "tag": each.tag}
        )


def send_archive(
    client: EngineClient,
    files: LayerFiles,
    image: EngineImage,
    report: Progress,
    known: frozenset[Digest] | set[Digest] = frozenset(),
) -> None:
    """Have an engine load an archive, which is written while it is sent.

    Args:
        client: Speaks with it.
        files: Has the layers.
        image: What is loaded.
        report: Called with bytes per blob.
        known: Blobs of layers that it has, and does not get.

    Raises:
        RefusedError: it says no.
        ExportError: it cannot be reached, or hangs up.
        SourceError, ContentError, StorageError: a layer cannot be had.
    """
    client.work("/images/load", {"quiet": "1"}, archive(files, image, report, known))


def archive(
    files: LayerFiles,
    image: EngineImage,
    report: Progress,
    known: frozenset[Digest] | set[Digest] = frozenset(),
) -> Callable[[BinaryIO], None]:
    """Return what writes the archive of an image; see ``send_archive``."""

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

"""Pushing images to registries.

In:  stored images and the references they get.
Out: blobs, manifests and tags in repositories. Registries are filled at the same time; tags move
     when all of them have everything, so none points at something incomplete, and one that
     refuses leaves the tags of all as they were.

A blob that the registry has is not sent; one that the registry has in another repository, where
the layer was pulled from or was just pushed to, is mounted, and need not even be here.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import partial
from typing import BinaryIO

from jettison.errors import ExportError, JettisonError, UsageError
from jettison.events import Progress
from jettison.exporter.base import ExportResult, ExportServices
from jettison.exporter.layout_contents import ImageSet, build_set
from jettison.exporter.options import (
    ImageOptions,
    image_wishes,
    packed_early,
    pushed_options,
)
from jettison.exporter.outputs import RegistryOutput
from jettison.image.manifest import Compression
from jettison.image.parallel import Stop, run_parallel
from jettison.oci.digest import Digest
from jettison.oci.manifest import Descriptor
from jettison.oci.reference import Reference, parse_reference
from jettison.registry.client import PulledManifest, RegistryClient
from jettison.registry.upload import Uploaded, Uploader
from jettison.store.image import StoredImage
from jettison.store.layer import LayerId

_UPLOADS = 4


class RegistryExporter:
    """``type=registry``, and ``jettison push``.

    Args:
        output: What is wanted.
        names: References for one without names.
        services: Has the images and the client.

    Raises:
        UsageError: there is no name.
    """

    def __init__(
        self, output: RegistryOutput, names: Sequence[Reference], services: ExportServices
    ) -> None:
        self.wishes = image_wishes(output)
        self._output = output
        self._options = pushed_options(output, names)
        if not self._options.names:
            raise UsageError(
                "output `type=registry` needs a name", hint="add `-t NAME` or `name=NAME`"
            )
        self._services = services

    @property
    def packs(self) -> Compression | None:
        """Every layer is written as a blob."""
        return packed_early(self._options.compression)

    def export(self, images: Sequence[StoredImage], report: Progress) -> ExportResult:
        """Push the images; see ``Exporter``."""
        return push(
            self._services,
            images,
            self._options,
            report,
            insecure=self._output.insecure,
        )


def push(
    services: ExportServices,
    images: Sequence[StoredImage],
    options: ImageOptions,
    report: Progress,
    *,
    insecure: bool = False,
) -> ExportResult:
    """Push images under the names of the options.

    Args:
        services: Has the images and the client.
        images: One per platform.
        options: Names, compression, media types, annotations.
        report: Called with bytes per blob.
        insecure: Do without TLS checks.

    Raises:
        ExportError: there is no network to use.
        RegistryError: a registry refuses.
        StorageError: the store lacks something.
    """
    if services.client is None:
        raise ExportError("cannot push: the network is not to be used", hint="drop `--offline`")
    made = build_set(services, images, options, oci=options.oci)
    registries: dict[str, list[Reference]] = {}
    for name in options.names:
        registries.setdefault(name.registry, []).append(name)
    filling = [
        partial(_fill, services, names, made, report, insecure) for names in registries.values()
    ]
    uploaders = [each for filled in run_parallel(filling, limit=len(filling)) for each in filled]
    # Only now: no tag moves before every registry has all that its tag will point at.
    if not options.by_digest:
        move_tags(services.client(), uploaders, made)
    return ExportResult(
        made.root,
        options.names_of(made.root.digest),
        warning=made.lost_annotations(options, layout=False),
        pushed=tuple(each.descriptor for each in made.manifests),
        said=made.said,
        apart=made.apart,
    )


def _fill(
    services: ExportServices,
    names: Sequence[Reference],
    made: ImageSet,
    report: Progress,
    insecure: bool,
    stop: Stop,
) -> list[tuple[Reference, Uploader]]:
    """Make the repositories of one registry have everything but the tags.

    Returns:
        Each name, and what pushes to its repository.
    """
    client = services.client
    if client is None:
        raise AssertionError("checked before")
    near: Reference | None = None
    uploaders: dict[str, Uploader] = {}

    def watched(item: str, current: int, total: int) -> None:
        stop.check()
        report(item, current, total)

    for name in names:
        if name.name not in uploaders:
            uploader = uploaders[name.name] = Uploader(client(), name, insecure=insecure)
            _push_blobs(services, uploader, made, near, watched)
            _push_documents(uploader, made)
            near = near or name
    return [(name, uploaders[name.name]) for name in names]


def move_tags(
    client: RegistryClient, uploaders: Sequence[tuple[Reference, Uploader]], made: ImageSet
) -> None:
    """Make tags point at what was pushed; where one is refused, put back those moved before it.

    Args:
        client: Finds what they point at.
        uploaders: The names and what pushes to their repositories.
        made: What they are to point at.

    Raises:
        RegistryError: a registry refuses one.
    """
    media_type, data = _root(made)
    uploaders = [each for each in uploaders if each[0].tag]  # NAME@DIGEST names no tag
    before: list[tuple[Reference, Uploader, PulledManifest | None]] = []
    several = len(uploaders) > 1
    for name, uploader in uploaders:
        old = _pointed_at(client, name, made.root.digest) if several else None
        try:
            uploader.manifest(name.tag, media_type, data)
        except JettisonError as error:
            left = [each[0].familiar for each in before if not _put_back(*each)]
            if not left:
                raise
            moved = ", ".join(left)
            raise ExportError(
                f"{error.message}; these tags have moved already: {moved}", hint=error.hint
            ) from error
        before.append((name, uploader, old))


def _pointed_at(client: RegistryClient, name: Reference, unless: Digest) -> PulledManifest | None:
    """Return what a tag points at, None if that is nothing, not known, or wanted."""
    try:
        found = client.manifest(name)
    except JettisonError:
        return None
    return found if found is not None and found.descriptor.digest != unless else None


def _put_back(name: Reference, uploader: Uploader, old: PulledManifest | None) -> bool:
    if old is None:
        return False
    try:
        uploader.manifest(name.tag, old.descriptor.media_type, old.data)
    except JettisonError:
        return False
    return True


def _push_blobs(
    services: ExportServices,
    uploader: Uploader,
    made: ImageSet,
    near: Reference | None,
    report: Progress,
) -> None:
    """Make a repository have all blobs; ``near`` is one that has them already."""

    def layer(name: LayerId, descriptor: Descriptor, came_from: str, stop: Stop) -> None:
        def watched(item: str, current: int, total: int) -> None:
            stop.check()
            report(item, current, total)

        stop.check()
        if descriptor.urls and not services.store.blobs.has(descriptor.digest):
            return  # Foreign layers are not to be distributed; who pulls follows the URLs.
        source = came_from or services.blobs.source(name)
        mount_from = near or (parse_reference(source) if source else None)
        found = uploader.find(descriptor, mount_from)
        if not isinstance(found, Uploaded):
            try:
                services.blobs.fetch(name, descriptor, watched, source=came_from)
            except BaseException:
                found.cancel()
                raise
            path = services.store.blobs.path(descriptor.digest)

            def opened() -> BinaryIO:
                return path.open("rb")

            found.send(opened, watched)
        report(descriptor.digest, descriptor.size, descriptor.size)  # also of what was there

    def config(descriptor: Descriptor, data: bytes, stop: Stop) -> None:
        stop.check()
        uploader.blob(descriptor, partial(io.BytesIO, data), mount_from=near)

    layers = {
        descriptor.digest: (name, descriptor, built.source)
        for built in made.manifests
        for name, descriptor in built.layers
    }
    # The largest first: it takes longest, and others are sent beside it.
    ordered = sorted(layers.values(), key=lambda each: -each[1].size)
    for _, descriptor, _ in ordered:
        report(descriptor.digest, 0, descriptor.size)
    jobs = [partial(layer, *each) for each in ordered]
    jobs += [partial(config, built.config, built.config_data) for built in made.manifests]
    jobs += [partial(config, *blob) for said in made.attestations for blob in said.blobs]
    run_parallel(jobs, limit=_UPLOADS)


def _push_documents(uploader: Uploader, made: ImageSet) -> None:
    """Put the manifests, and the index of several, under their digests."""
    for built in made.manifests:
        uploader.manifest(built.descriptor.digest, built.descriptor.media_type, built.data)
    for said in made.attestations:
        uploader.manifest(said.descriptor.digest, said.descriptor.media_type, said.data)
    if made.index_data:
        uploader.manifest(made.root.digest, made.root.media_type, made.index_data)


def _root(made: ImageSet) -> tuple[str, bytes]:
    data = made.index_data or made.manifests[0].data
    return made.root.media_type, data

"""``copy``: images from one place to another, byte for byte.

In:  a session, places as users write them, what of an image is wanted.
Out: the digest of what was copied, the same as before.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from jettison.api.compile import shown, this_platform
from jettison.api.output import services
from jettison.api.session import Session
from jettison.errors import ImageNotFoundError, UsageError
from jettison.events import Progress, Sink
from jettison.exporter.copying.base import Contents, CopyDestination, CopySource
from jettison.exporter.copying.collect import Selection, collect
from jettison.exporter.copying.from_archive import TarLayout
from jettison.exporter.copying.from_layout import LayoutSource
from jettison.exporter.copying.from_registry import RegistrySource
from jettison.exporter.copying.from_store import ImagesSource, ListSource
from jettison.exporter.copying.place import (
    BARE,
    DOCKER_ARCHIVE,
    ENGINES,
    LAYOUT,
    OCI_ARCHIVE,
    REGISTRY,
    STORE,
    Place,
    destination,
    parse_place,
)
from jettison.exporter.copying.to_archive import ArchiveDestination
from jettison.exporter.copying.to_layout import LayoutDestination
from jettison.exporter.copying.to_registry import RegistryDestination
from jettison.exporter.copying.to_store import StoreDestination
from jettison.image.layout import OciLayout
from jettison.image.names import find_for, find_images, tag_reference
from jettison.oci.digest import Digest
from jettison.oci.platform import parse_platform
from jettison.oci.reference import parse_reference
from jettison.store.image import StoredImage
from jettison.store.lists import StoredList


class CopyRequest(msgspec.Struct, frozen=True):
    """A copy.

    Args:
        source: Place as written.
        destination: Place as written.
        platform: Of an index, the image for it; this machine's if there is none.
        everything: An index with all that it names.
        index_only: An index without what it names.
        referrers: Also what refers to the image, and its signatures.
    """

    source: str
    destination: str
    platform: str = ""
    everything: bool = False
    index_only: bool = False
    referrers: bool = False


class Copied(msgspec.Struct, frozen=True):
    """What was copied.

    Args:
        digest: Of the manifest or index.
        left_out: Images for other platforms that were not.
        foreign: Layers that were not, since they must not be.
    """

    digest: Digest
    left_out: int = 0
    foreign: int = 0


def copy(session: Session, request: CopyRequest, sink: Sink) -> Copied:
    """Copy an image, an index or another artifact.

    Args:
        session: Has the store and the client.
        request: What is copied where.
        sink: Gets events.

    Raises:
        UsageError, InvalidReferenceError: the request makes no sense.
        ImageNotFoundError, PlatformNotFoundError: it is not there.
        SourceError, ContentError: it cannot be had, or is damaged.
        ExportError, StorageError: it cannot be written.
    """
    if request.platform and (request.everything or request.index_only):
        raise UsageError("`--platform` chooses one image of an index, and `--all` takes all")
    selection = Selection(
        parse_platform(request.platform) if request.platform else this_platform(),
        request.everything,
        request.index_only,
        request.referrers,
    )
    source, place = parse_place(request.source), destination(parse_place(request.destination))
    if place.transport in ENGINES:
        from jettison.api.engine import load_place  # few have an engine

        loaded = load_place(session, source, place, request.platform, sink)
        return Copied(loaded.digest)
    target = open_destination(session, place)
    title = f"copying {source.text} to {request.destination}"

    def work(report: Progress) -> Contents:
        with opened_source(session, source, selection) as opened:
            contents = collect(opened, selection, name=source.text)
            target.write(contents, opened, report)
            return contents

    contents = shown(sink, title, work)
    return Copied(contents.root.descriptor.digest, contents.left_out, len(contents.foreign))


def open_destination(session: Session, place: Place) -> CopyDestination:
    """Return what writes to a place.

    Raises:
        UsageError, InvalidReferenceError: nothing can be written there.
        ExportError: there is no directory for it.
    """
    made = services(session)
    if place.reference is not None and place.transport == REGISTRY:
        return RegistryDestination(session.registry(), place.reference)
    if place.digest is not None or place.entry is not None:
        raise UsageError(
            f"`{place.text}` names no place to write to", hint="name a tag, or nothing"
        )
    if place.transport == LAYOUT:
        return LayoutDestination(place)
    if place.transport == STORE:
        return StoreDestination(made, tag_reference(place.name))
    return ArchiveDestination(place, made.stdout)


@contextmanager
def opened_source(session: Session, place: Place, selection: Selection) -> Iterator[CopySource]:
    """Yield what reads from a place.

    Raises:
        ImageNotFoundError, SourceError: it cannot be read.
        UsageError: nothing is read from there.
    """
    if place.transport in ENGINES:
        raise UsageError(
            f"`{place.text}`: images are not copied from engines",
            hint=f"use `docker save -o FILE {place.name}` and docker-archive:FILE",
        )
    if place.transport in {OCI_ARCHIVE, DOCKER_ARCHIVE}:
        tar = TarLayout(place, session.store.tmp())
        try:
            yield LayoutSource(tar, place)
        finally:
            tar.close()
    elif place.transport == LAYOUT:
        yield LayoutSource(OciLayout(place.path), place)
    elif place.transport == REGISTRY and place.reference is not None:
        yield RegistrySource(session.registry(), place.reference)
    else:
        yield _named(session, place, selection)


def _named(session: Session, place: Place, selection: Selection) -> CopySource:
    """Return what reads a name: of the store, or of a registry where the store lacks a bare one."""
    made = services(session)
    found = _list_of(session, place)
    if found is not None:
        return ListSource(made, found)
    try:
        images = _images(session, place.name, selection)
    except ImageNotFoundError:
        if place.transport != BARE or place.reference is None:
            raise
        return RegistrySource(session.registry(), place.reference)
    unpacked = (each.layer for image in images for each in image.layers)
    if any(not session.store.layers.find(each).blobs for each in unpacked):
        session.require_namespace()  # what was never packed is read as files of all owners
    return ImagesSource(made, images)


def _list_of(session: Session, place: Place) -> StoredList | None:
    if place.name.startswith("sha256:"):
        return None
    return session.store.lists.get(str(parse_reference(place.name)))


def _images(session: Session, name: str, selection: Selection) -> list[StoredImage]:
    """Return the images of a name that are copied: of several, one is chosen."""
    images = find_images(session.store, name)
    if selection.everything or selection.index_only or len(images) == 1:
        return images
    return [find_for(session.store, name, selection.platform)]

"""Images of the store into a running engine: docker, podman.

In:  the name of an image, and that of an engine.
Out: the image there, under its names.
"""

from __future__ import annotations

from collections.abc import Sequence

from jettison.api.compile import shown
from jettison.api.engine_exporter import EngineExporter
from jettison.api.images import chosen_images
from jettison.api.output import services
from jettison.api.session import Session
from jettison.engine.select import DOCKER, PODMAN
from jettison.errors import InternalError, InvalidReferenceError, UsageError
from jettison.events import Sink
from jettison.exporter.base import ExportResult
from jettison.exporter.copying.place import BARE, STORE, Place
from jettison.exporter.outputs import EngineOutput
from jettison.image.names import tag_reference
from jettison.oci.manifest import Descriptor
from jettison.oci.reference import Reference, parse_reference
from jettison.store.image import StoredImage


def load_into(
    session: Session,
    name: str,
    engine: str,
    sink: Sink,
    *,
    context: str = "",
    names: Sequence[str] = (),
    platform: str = "",
) -> ExportResult:
    """Load an image of the store into an engine.

    Args:
        session: The store.
        name: The image, as the user writes it.
        engine: ``docker``, ``podman``, or an address; see ``engine.select``.
        sink: Gets progress.
        context: One of docker's contexts instead.
        names: References that it gets there; its name here if there are none.
        platform: Of several images; the engine's own if there is none.

    Raises:
        ImageNotFoundError, PlatformNotFoundError: the store does not have it.
        UsageError: what names the engine is malformed.
        ExportError: the engine does not answer, refuses, or fails.
    """
    images = chosen_images(session, name, platform)
    layers = [each.layer for image in images for each in image.layers]
    if any(not session.store.layers.find(each).blobs for each in layers):
        session.require_namespace()
    given = tuple(map(tag_reference, names)) or _own_name(session, name, images)
    output = EngineOutput(engine=engine, context=context)
    exporter = EngineExporter(output, given, services(session), session.environ)
    return shown(sink, exporter.title, lambda report: exporter.export(images, report))


def load_place(
    session: Session, source: Place, place: Place, platform: str, sink: Sink
) -> Descriptor:
    """Load an image of the store into the engine that a place names, under the place's name.

    Args:
        session: The store.
        source: Has the image.
        place: ``docker-daemon:NAME`` or ``podman:NAME``.
        platform: Of several images; the engine's own if there is none.
        sink: Gets progress.

    Returns:
        The manifest or index that the engine was given.

    Raises:
        UsageError: the image is elsewhere.
        ImageNotFoundError, PlatformNotFoundError, ExportError: as ``load_into``.
    """
    if source.transport not in {STORE, BARE}:
        raise UsageError(
            f"`{source.text}` is not copied to an engine at once",
            hint=f"copy it to `store:{place.name}`, and that to `{place.text}`",
        )
    engine = PODMAN if place.transport == PODMAN else DOCKER
    names = [place.name]
    found = load_into(session, source.name, engine, sink, names=names, platform=platform)
    if found.manifest is None:
        raise InternalError("an engine was given no manifest")
    return found.manifest


def _own_name(session: Session, text: str, images: Sequence[StoredImage]) -> tuple[Reference, ...]:
    """Return the reference that a text is; none of an ID."""
    try:
        reference = parse_reference(text)
    except InvalidReferenceError:
        return ()
    named = {image.id for image in session.store.images.named(str(reference))}
    return (reference,) if named & {image.id for image in images} else ()

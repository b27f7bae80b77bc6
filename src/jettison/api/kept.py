"""Why each part of the store is kept.

In:  a session, images that are to count as gone.
Out: ``Reason`` values by layer, cache mount, or beginning of a blob.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Literal

import msgspec

from jettison.api.held import containers
from jettison.api.session import Session
from jettison.oci.digest import Digest, short
from jettison.oci.reference import parse_reference

if TYPE_CHECKING:
    from jettison.store.image import StoredImage

ReasonKind = Literal["image", "base", "container", "running", "cache", "spared", "download"]


class Reason(msgspec.Struct, frozen=True):
    """Why something is kept.

    Args:
        kind: ``image``: its layer; ``base``: a layer of the image that this one was built on;
            ``container``; ``running``: a process uses it; ``cache``: a build may find it;
            ``download``: the next fetch goes on with it; ``spared``: a prune was asked to.
        what: Names of images or of the container, the process, what spared it.
    """

    kind: ReasonKind
    what: str = ""


def image_title(session: Session, image: StoredImage) -> str:
    """Return the names of an image, else its ID, as people write them."""
    tags = session.store.images.tags_of(image.id)
    return ", ".join(parse_reference(tag).familiar for tag in tags) or short(image.id)


def layer_reasons(
    session: Session, without: Collection[Digest] = ()
) -> dict[str, tuple[Reason, ...]]:
    """Return why layers are kept, by name; those that nothing keeps are not there.

    Args:
        session: The store.
        without: Images that count as gone.
    """
    images = [each for each in session.store.images.all() if each.id not in without]
    stacks = {each.id: tuple(layer.layer for layer in each.layers) for each in images}
    found: dict[str, dict[Reason, None]] = {}

    def note(resource: str, reason: Reason) -> None:
        found.setdefault(resource, {}).setdefault(reason)

    whole = {stack for stack in stacks.values() if stack}
    for image in images:
        title, stack = image_title(session, image), stacks[image.id]
        below = max((n for n in range(1, len(stack)) if stack[:n] in whole), default=0)
        for number, layer in enumerate(stack):
            note(layer, Reason("base" if number < below else "image", title))
    for container in containers(session):
        for layer in container.record.layers:
            note(layer, Reason("container", container.record.name))
    for resource, processes in session.store.users().items():
        for process in sorted(processes):
            note(resource, Reason("running", f"process {process}"))
    for (layer,) in session.store.database.query("SELECT DISTINCT layer FROM record"):
        note(layer, Reason("cache"))
    order = ("image", "base", "container", "running", "cache")
    return {
        resource: tuple(sorted(reasons, key=lambda each: order.index(each.kind)))
        for resource, reasons in found.items()
    }

"""What containers hold of images: nothing of it may go before they do.

In:  a session.
Out: layers, images; containers of an image.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from jettison.api.session import Session
from jettison.oci.digest import Digest

if TYPE_CHECKING:
    from jettison.container.state.catalog import Container


def held_layers(session: Session) -> set[str]:
    """Return the layers that containers need."""
    if not os.path.isdir(session.store.containers):
        return set()  # as in most stores that only build
    from jettison.container.state.catalog import Catalog

    return Catalog(session.store).layers()


def users_of(session: Session, image_id: str) -> Sequence[Container]:
    """Return the containers of an image."""
    if not os.path.isdir(session.store.containers):
        return ()
    from jettison.container.state.catalog import Catalog

    return Catalog(session.store).users_of(image_id)


def held_images(session: Session) -> set[Digest]:
    """Return the images of containers, also of those that have ended."""
    if not os.path.isdir(session.store.containers):
        return set()
    from jettison.container.state.catalog import Catalog

    return {each.record.image_id for each in Catalog(session.store).all()}

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
    from jettison.container.state.catalog import Catalog, Container


def held_layers(session: Session) -> set[str]:
    """Return the layers that containers need."""
    catalog = _catalog(session)
    return catalog.layers() if catalog else set()


def containers(session: Session) -> Sequence[Container]:
    """Return all containers."""
    catalog = _catalog(session)
    return catalog.all() if catalog else ()


def users_of(session: Session, image_id: str) -> Sequence[Container]:
    """Return the containers of an image."""
    catalog = _catalog(session)
    return catalog.users_of(image_id) if catalog else ()


def held_images(session: Session) -> set[Digest]:
    """Return the images of containers, also of those that have ended."""
    catalog = _catalog(session)
    return {each.record.image_id for each in catalog.all()} if catalog else set()


def _catalog(session: Session) -> Catalog | None:
    """Return the containers of the store, if there are any: most stores only build."""
    if not os.path.isdir(session.store.containers):
        return None
    from jettison.container.state.catalog import Catalog

    return Catalog(session.store)

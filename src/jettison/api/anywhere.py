"""Images that are in the store or elsewhere, by the name that a user writes.

In:  a session, a name, a platform.
Out: an image, whose layers need not be here.
"""

from __future__ import annotations

from jettison.api.session import Session
from jettison.errors import ImageNotFoundError
from jettison.image.layout import SCHEME
from jettison.image.names import find_image
from jettison.oci.platform import parse_platform
from jettison.store.image import StoredImage


def find_anywhere(
    session: Session, name: str, platform: str = "", *, keeps: bool = True
) -> StoredImage:
    """Return an image of the store, else of a layout or a registry.

    Args:
        session: The store.
        name: A name or ID; ``oci-layout://PATH``.
        platform: Of an image for several, whose manifests are asked for; empty for this machine's.
        keeps: Whether the store is to list it from then on.

    Raises:
        ImageNotFoundError, PlatformNotFoundError: there is no such image, or none for the platform.
        InvalidReferenceError: the name or the platform is none.
        RegistryError, ContentError: it cannot be had.
    """
    from jettison.api.compile import this_platform  # seldom

    if not platform and not name.startswith(SCHEME):
        try:
            return find_image(session.store, name)
        except ImageNotFoundError:
            pass
    wanted = parse_platform(platform) if platform else this_platform()
    return session.resolver(keeps=keeps).resolve(name, wanted, builds=False).image

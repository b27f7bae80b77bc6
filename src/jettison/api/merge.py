"""``merge``: one name for images of several platforms that a registry has.

In:  a session, names.
Out: the digest of the index.
"""

from __future__ import annotations

from collections.abc import Sequence

from jettison.api.compile import shown
from jettison.api.session import Session
from jettison.events import Sink
from jettison.image.merge import merge_images
from jettison.image.names import tag_reference
from jettison.oci.digest import Digest
from jettison.oci.reference import parse_reference


def merge(session: Session, name: str, sources: Sequence[str], sink: Sink) -> Digest:
    """Write an index of images into a registry, and return its digest.

    Args:
        session: Has the client.
        name: What the index is called, with its registry.
        sources: Images in registries, by tag or digest; of an index all that it has.
        sink: Gets events.

    Raises:
        InvalidReferenceError: one is no name.
        UsageError: two sources are for the same platform.
        ImageNotFoundError: one is not there.
        RegistryError: a registry refuses.
    """
    target = tag_reference(name)
    found = [parse_reference(each) for each in sources]
    title = f"merging into {target.familiar}"
    return shown(
        sink, title, lambda report: merge_images(session.registry(), target, found, report)
    ).digest

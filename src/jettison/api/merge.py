"""``merge``: one name for images of several platforms that a registry has.

In:  a session, names.
Out: the index.
"""

from __future__ import annotations

from collections.abc import Sequence

from jettison.api.compile import shown
from jettison.api.session import Session
from jettison.errors import UsageError
from jettison.events import Progress, Sink
from jettison.exporter.outputs import Annotation
from jettison.image.merge import Merged, merge_images
from jettison.image.names import tag_reference
from jettison.oci.reference import parse_reference


def merge(
    session: Session,
    name: str,
    sources: Sequence[str],
    sink: Sink,
    *,
    append: bool = False,
    annotations: Sequence[Annotation] = (),
    dry: bool = False,
) -> Merged:
    """Write an index of images into a registry, and return it.

    Args:
        session: Has the client.
        name: What the index is called, with its registry.
        sources: Images in registries, by tag or digest; of an index all that it has.
        sink: Gets events.
        append: To what has the name already.
        annotations: Of the index.
        dry: Write nothing.

    Raises:
        InvalidReferenceError: one is no name.
        UsageError: two sources are for the same platform, or an annotation is not of the index.
        ImageNotFoundError: one is not there.
        RegistryError: a registry refuses.
    """
    for each in annotations:
        if each.on != "index" or each.platform:
            raise UsageError(
                f"the annotation `{each.key}` is not of the index: images are merged as they are",
                hint=f"write `--annotation index:{each.key}={each.value}`",
            )
    target = tag_reference(name)
    found = [target] * append + [parse_reference(each) for each in sources]
    notes = {each.key: each.value for each in annotations}

    def work(report: Progress) -> Merged:
        return merge_images(session.registry(), target, found, report, annotations=notes, dry=dry)

    return shown(sink, f"merging into {target.familiar}", work)

"""Images of the local store: listing, naming, removing, looking inside.

In:  names or IDs as users write them.
Out: values that a command line or a program can show.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from jettison.api.request import ImageSummary
from jettison.api.session import Session
from jettison.errors import ImageNotFoundError, InvalidReferenceError, UsageError
from jettison.image.names import find_image
from jettison.oci.codec import decode
from jettison.oci.config import ImageConfig
from jettison.oci.digest import Digest, short
from jettison.oci.reference import Reference, parse_reference
from jettison.store.image import StoredImage


class HistoryRow(msgspec.Struct, frozen=True):
    """An entry of ``jettison history``; ``id`` is set for the image itself only."""

    id: Digest | None
    created: str
    created_by: str
    size_bytes: int
    comment: str


def list_images(
    session: Session, name: str = "", *, dangling: bool | None = None
) -> list[ImageSummary]:
    """Return the images, newest first; each name is a row, and each image without one.

    Args:
        session: The store.
        name: Only this repository, or this repository and tag; as docker, a pattern.
        dangling: Only images without a name, or only those with one.
    """
    images = session.store.images
    rows = []
    for image in images.all():
        config = decode(ImageConfig, image.config)
        size = sum(layer_size(session, image))
        tags = images.tags_of(image.id)
        named = [parse_reference(tag) for tag in tags if dangling is not True]
        digest = image.manifest.digest if image.manifest else None
        rows += [
            ImageSummary(
                _repository(ref), ref.tag or "<none>", image.id, config.created, size, digest
            )
            for ref in named
        ]
        if not tags and dangling is not False:
            rows.append(ImageSummary("<none>", "<none>", image.id, config.created, size, digest))
    if name:
        rows = [row for row in rows if _matches(row, name)]
    return sorted(rows, key=lambda row: (row.created, row.repository, row.tag), reverse=True)


def _matches(row: ImageSummary, pattern: str) -> bool:
    from fnmatch import fnmatchcase

    names = (row.repository, f"{row.repository}:{row.tag}")
    return row.repository != "<none>" and any(fnmatchcase(name, pattern) for name in names)


def remove_nameless(session: Session) -> list[Digest]:
    """Remove the images that were built and have no name any more; return their IDs.

    Images that were pulled by digest stay, and those whose layers are in use.
    """
    used = session.store.leases()
    removed = []
    for image in session.store.images.all():
        is_used = any(each.layer in used for each in image.layers)
        if image.manifest is None and not is_used and not session.store.images.tags_of(image.id):
            session.store.images.remove(image.id)
            removed.append(image.id)
    return removed


def tag_image(session: Session, source: str, target: str) -> None:
    """Make ``target`` a name of the image ``source``.

    Raises:
        ImageNotFoundError: there is no such image.
        InvalidReferenceError: the target is not a name.
    """
    image = find_image(session.store, source)
    reference = parse_reference(target)
    if reference.digest is not None:
        raise UsageError(f"`{target}` has a digest and cannot be a new name")
    session.store.images.tag(str(reference), image.id)


def remove_images(session: Session, names: Sequence[str], *, force: bool = False) -> list[str]:
    """Remove names; an image that has none left is removed, too.

    An ID removes all names of the image if it has one only, or with ``force``.

    Returns:
        Lines as docker prints them.
    """
    lines: list[str] = []
    for name in names:
        try:
            image = find_image(session.store, name)
        except ImageNotFoundError:
            if force:
                continue
            raise
        tags = session.store.images.tags_of(image.id)
        removed = [str(parse_reference(name))] if _is_name(session, name) else tags
        if len(removed) > 1 and not force:
            raise UsageError(
                f"image {short(image.id)} has several names: {', '.join(map(_familiar, tags))}",
                hint="remove a name, or use --force",
            )
        for tag in removed:
            session.store.images.untag(tag)
            lines.append(f"Untagged: {_familiar(tag)}")
        if not session.store.images.tags_of(image.id):
            session.store.images.remove(image.id)
            lines.append(f"Deleted: {image.id}")
    return lines


def inspect_image(session: Session, name: str) -> dict[str, Any]:
    """Return all facts of an image under docker's names."""
    image = find_image(session.store, name)
    config = decode(ImageConfig, image.config)
    tags = [parse_reference(tag) for tag in session.store.images.tags_of(image.id)]
    digests = [f"{_repository(tag)}@{image.manifest.digest}" for tag in tags if image.manifest]
    return {
        "Id": image.id,
        "RepoTags": [tag.familiar for tag in tags],
        "RepoDigests": digests,
        "Comment": config.history[-1].comment if config.history else "",
        "Created": config.created,
        "Author": config.author,
        "Architecture": config.architecture,
        "Variant": config.variant,
        "Os": config.os,
        "Size": sum(layer_size(session, image)),
        "Config": msgspec.to_builtins(config.config),
        "RootFS": {"Type": "layers", "Layers": list(config.rootfs.diff_ids)},
    }


def image_history(session: Session, name: str) -> list[HistoryRow]:
    """Return the history of an image, the latest instruction first."""
    image = find_image(session.store, name)
    config = decode(ImageConfig, image.config)
    sizes = iter(layer_size(session, image))
    rows = [
        HistoryRow(
            None,
            each.created,
            each.created_by,
            0 if each.empty_layer else next(sizes, 0),
            each.comment,
        )
        for each in config.history
    ]
    rows.reverse()
    if rows:
        rows[0] = msgspec.structs.replace(rows[0], id=image.id)
    return rows


def layer_size(session: Session, image: StoredImage) -> list[int]:
    """Return the bytes of each layer: of its regular files, or packed until it was unpacked."""
    layers = [session.store.layers.find(each.layer) for each in image.layers]
    return [each.blob_bytes if each.facts is None else each.facts.size_bytes for each in layers]


def epoch(created: str) -> float:
    """Return seconds since the epoch of an RFC 3339 time; 0 for one that cannot be read."""
    try:
        # Python reads microseconds at most, images write nanoseconds.
        text = re.sub(r"(\.\d{6})\d+", r"\1", created)
        time = datetime.fromisoformat(text)
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
    except ValueError:
        return 0.0


def _is_name(session: Session, text: str) -> bool:
    try:
        return session.store.images.lookup(str(parse_reference(text))) is not None
    except InvalidReferenceError:
        return False


def _repository(reference: Reference) -> str:
    return reference.familiar.partition("@")[0].removesuffix(f":{reference.tag}")


def _familiar(tag: str) -> str:
    return parse_reference(tag).familiar

"""Images of the local store: listing, naming, removing, looking inside.

In:  names or IDs as users write them.
Out: values that a command line or a program can show.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from jettison.api.filters import ImageFilter
from jettison.api.held import held_images, users_of
from jettison.api.request import ImageSummary
from jettison.api.session import Session
from jettison.errors import (
    ContainerError,
    ImageNotFoundError,
    InvalidReferenceError,
    UsageError,
)
from jettison.image.names import find_for, find_image, find_images
from jettison.oci.codec import decode
from jettison.oci.config import ImageConfig
from jettison.oci.digest import Digest, short
from jettison.oci.platform import parse_platform
from jettison.oci.reference import Reference, parse_reference
from jettison.oci.times import epoch
from jettison.store.image import StoredImage


class HistoryRow(msgspec.Struct, frozen=True):
    """An entry of ``jettison history``; ``id`` is set for the image itself only."""

    id: Digest | None
    created: str
    created_by: str
    size_bytes: int
    comment: str


def list_images(session: Session, wanted: ImageFilter | None = None) -> list[ImageSummary]:
    """Return the images, newest first; each name is a row, and each image without one.

    A name that stands for images of several platforms is a row of this machine's.

    Args:
        session: The store.
        wanted: Which; all if there is none.

    Raises:
        ImageNotFoundError: a filter names an image that is not here.
    """
    wanted = wanted or ImageFilter()
    images = session.store.images
    points_at = images.tags()
    rows = []
    for image in _chosen(session, wanted):
        config = decode(ImageConfig, image.config)
        size = sum(layer_size(session, image))
        tags = images.tags_of(image.id)
        main = [tag for tag in tags if points_at[tag] == image.id]
        named = [parse_reference(tag) for tag in main if wanted.dangling is not True]
        digest = image.manifest.digest if image.manifest else None
        names = [(repository(ref), ref.tag or "<none>") for ref in named]
        if not tags and wanted.dangling is not False:
            names.append(("<none>", "<none>"))
        rows += [
            ImageSummary(*name, image.id, config.created, size, digest)
            for name in names
            if wanted.fits_name(*name)
        ]
    rows.sort(key=lambda row: (row.repository, row.tag))
    return sorted(rows, key=lambda row: row.created, reverse=True)


def _chosen(session: Session, wanted: ImageFilter) -> list[StoredImage]:
    """Return the images that are meant, whatever their names."""
    before, since = (
        epoch(decode(ImageConfig, find_image(session.store, name).config).created) if name else None
        for name in (wanted.before, wanted.since)
    )
    images = session.store.images.all()
    return [image for image in images if wanted.fits(image, before=before, since=since)]


class RemovedImages(msgspec.Struct, frozen=True):
    """What ``prune_images`` did: lines as docker prints them; names or IDs of what is in use."""

    lines: tuple[str, ...]
    ids: tuple[Digest, ...]
    held: tuple[str, ...]


def prune_images(
    session: Session, *, named: bool, wanted: ImageFilter | None = None, dry_run: bool = False
) -> RemovedImages:
    """Remove images that no running build and no container uses; their layers stay.

    Args:
        session: The store.
        named: Also those that have a name, or were pulled by digest.
        wanted: Only these.
        dry_run: Nothing is removed, and the result says what would be.
    """
    used = images_in_use(session)
    lines: list[str] = []
    ids: list[Digest] = []
    held: list[str] = []
    for image in _chosen(session, wanted or ImageFilter()):
        tags = session.store.images.tags_of(image.id)
        if not named and (tags or image.manifest is not None):
            continue
        if image.id in used:
            held += [_familiar(tag) for tag in tags] or [short(image.id)]
            continue
        if not dry_run:
            session.store.images.remove(image.id)
        lines += [*(f"untagged: {_familiar(tag)}" for tag in tags), f"deleted: {image.id}"]
        ids.append(image.id)
    return RemovedImages(tuple(lines), tuple(ids), tuple(held))


def images_in_use(session: Session) -> set[Digest]:
    """Return the images of containers, and those that a running build uses: all their layers."""
    used = session.store.leases()
    found = {
        image.id
        for image in session.store.images.all()
        if image.layers and all(each.layer in used for each in image.layers)
    }
    return found | held_images(session)


def chosen_images(session: Session, name: str, platform: str = "") -> list[StoredImage]:
    """Return all images that a name stands for, or that for a platform, if one is given.

    Raises:
        ImageNotFoundError: there is no such image.
        PlatformNotFoundError: it is for others.
        UsageError: there is no such platform.
    """
    if platform:
        return [find_for(session.store, name, parse_platform(platform))]
    return find_images(session.store, name)


def chosen_image(session: Session, name: str, platform: str = "") -> StoredImage:
    """Return the image that a name stands for here, or for a platform; see ``chosen_images``."""
    if platform:
        return chosen_images(session, name, platform)[0]
    return find_image(session.store, name)


def require_only_platform(session: Session, name: str, platform: str) -> None:
    """See that a name stands for the image of a platform, and for no other.

    Raises:
        PlatformNotFoundError, ImageNotFoundError, UsageError: as ``chosen_images``.
        UsageError: it stands for others, too.
    """
    chosen_images(session, name, platform)
    if len(find_images(session.store, name)) > 1:
        raise UsageError(
            f"`{name}` stands for images of several platforms, which are removed together",
            hint="leave --platform out to remove them all",
        )


def tag_image(session: Session, source: str, target: str) -> None:
    """Make ``target`` a name of the image ``source``, for all platforms that it is for.

    Raises:
        ImageNotFoundError: there is no such image.
        InvalidReferenceError: the target is not a name.
    """
    image = find_image(session.store, source)
    reference = parse_reference(target)
    if reference.digest is not None:
        raise UsageError(f"`{target}` has a digest and cannot be a new name")
    platforms = [each.id for each in find_images(session.store, source)]
    session.store.images.tag(str(reference), image.id, platforms)


def remove_images(session: Session, names: Sequence[str], *, force: bool = False) -> list[str]:
    """Remove names; an image that has none left is removed, too.

    An ID removes all names of the image if it has one only, or with ``force``. Of an image that
    is gone, containers keep the layers; one of which a container runs loses its names only.

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
        is_name = _is_name(session, name)
        removed = [str(parse_reference(name))] if is_name else tags
        runs = _running_user(session, image)
        if runs and not is_name:
            why = f"image is being used by running container {runs}"
            raise _conflict(short(image.id), why, runs, "cannot be")
        if len(removed) > 1 and not force:
            raise UsageError(
                f"image {short(image.id)} has several names: {', '.join(map(_familiar, tags))}",
                hint="remove a name, or use --force",
            )
        if not force and len(removed) == len(tags):
            _refuse_used(session, image, name)
        known = session.store.images
        images = {each.id: each for tag in removed for each in known.named(tag)} or {
            image.id: image
        }
        for tag in removed:
            known.untag(tag)
            lines.append(f"Untagged: {_familiar(tag)}")
        for each in images.values():
            if not known.tags_of(each.id) and not _running_user(session, each):
                known.remove(each.id)
                lines.append(f"Deleted: {each.id}")
    return lines


def _refuse_used(session: Session, image: StoredImage, name: str) -> None:
    """See that no container is of an image that is to be removed.

    Raises:
        ContainerError: names the first.
    """
    for container in users_of(session, image.id):
        user, known = container.record.short_id, short(image.id)
        if not _is_name(session, name):
            raise _conflict(known, f"image is being used by stopped container {user}", user)
        what = _familiar(str(parse_reference(name)))
        raise _conflict(what, f"container {user} is using its referenced image {known}", user)


def _running_user(session: Session, image: StoredImage) -> str:
    """Return the ID of a container that runs, of an image; empty without one."""
    users = users_of(session, image.id)
    if not users:
        return ""
    from jettison.container.state.catalog import is_running

    return next((each.record.short_id for each in users if is_running(each.state())), "")


def _conflict(what: str, why: str, user: str, forced: str = "must be") -> ContainerError:
    """Return docker's error for an image that a container uses."""
    return ContainerError(
        f"conflict: unable to delete {what} ({forced} forced) - {why}",
        hint=f"remove the container first: `jettison rm {user}`",
    )


def inspect_image(session: Session, name: str, platform: str = "") -> dict[str, Any]:
    """Return all facts of an image under docker's names; see ``chosen_image``."""
    image = chosen_image(session, name, platform)
    config = decode(ImageConfig, image.config)
    tags = [parse_reference(tag) for tag in session.store.images.tags_of(image.id)]
    digests = [f"{repository(tag)}@{image.manifest.digest}" for tag in tags if image.manifest]
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


def image_history(session: Session, name: str, platform: str = "") -> list[HistoryRow]:
    """Return the history of an image, the latest instruction first; see ``chosen_image``."""
    image = chosen_image(session, name, platform)
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


def _is_name(session: Session, text: str) -> bool:
    try:
        return session.store.images.lookup(str(parse_reference(text))) is not None
    except InvalidReferenceError:
        return False


def repository(reference: Reference) -> str:
    """Return the name of an image without its tag and digest, as people write it."""
    return reference.familiar.partition("@")[0].removesuffix(f":{reference.tag}")


def _familiar(tag: str) -> str:
    return parse_reference(tag).familiar

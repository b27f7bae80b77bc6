"""Names of images as people type them, looked up in the local store.

In:  text: a reference, an image ID or the beginning of one.
Out: stored images.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from jettison.errors import ImageNotFoundError, InvalidReferenceError, PlatformNotFoundError
from jettison.oci.codec import decode
from jettison.oci.config import ImageConfig
from jettison.oci.digest import short
from jettison.oci.platform import Platform, closest, normalise
from jettison.oci.reference import Reference, parse_reference
from jettison.store.image import StoredImage
from jettison.store.store import Store

_ID = re.compile(r"(?:sha256:)?[0-9a-f]{2,64}")


def find_image(store: Store, text: str) -> StoredImage:
    """Return the image that a text names: by name first, then by ID.

    Raises:
        ImageNotFoundError: none, or several.
        InvalidReferenceError: the text can be no name.
    """
    is_id = _ID.fullmatch(text) is not None
    if not text.startswith("sha256:"):
        reference = parse_reference(text)
        found = store.images.lookup(str(reference)) or _by_digest(store, reference)
        if found is not None:
            return found
    if is_id:
        candidates = store.images.find(text)
        if len(candidates) == 1:
            return candidates[0]
        if candidates:
            raise ImageNotFoundError(
                f"`{text}` is the beginning of {len(candidates)} image IDs",
                hint=f"write more of it, as `{short(candidates[0].id)}`",
            )
    raise ImageNotFoundError(
        f"no image `{text}` in the local store", hint=f"run `jettison pull {text}` or build it"
    )


def main_image(images: Sequence[StoredImage], platform: Platform | None) -> StoredImage:
    """Return what a name of several images stands for on a machine: for it, else the first."""
    if platform is None or len(images) == 1:
        return images[0]
    return images[closest(platform, list(map(_platform, images))) or 0]


def find_images(store: Store, text: str) -> list[StoredImage]:
    """Return all images that a text names: one, unless a build of several platforms made them.

    Raises:
        ImageNotFoundError, InvalidReferenceError: as ``find_image``.
    """
    image = find_image(store, text)
    if text.startswith("sha256:"):
        return [image]
    named = store.images.named(str(parse_reference(text)))
    return named if image.id in {each.id for each in named} else [image]


def find_for(store: Store, text: str, platform: Platform) -> StoredImage:
    """Return the image that a text names for a platform.

    Raises:
        PlatformNotFoundError: it is there for others only.
        ImageNotFoundError, InvalidReferenceError: as ``find_image``.
    """
    images = find_images(store, text)
    offered = list(map(_platform, images))
    best = closest(platform, offered)
    if best is None:
        are = ", ".join(f"`{each}`" for each in offered)
        raise PlatformNotFoundError(
            f"image `{text}` of the local store is for {are}, and not for `{platform}`",
            hint="pull or build the other one",
        )
    return images[best]


def platform_of(config: ImageConfig) -> Platform:
    """Return what an image is for; one that names no system is for Linux."""
    return normalise(config.os or "linux", config.architecture, config.variant)


def _platform(image: StoredImage) -> Platform:
    return platform_of(decode(ImageConfig, image.config))


def tag_reference(text: str) -> Reference:
    """Return the reference of ``-t`` and ``jettison tag``: a name with a tag.

    Raises:
        InvalidReferenceError: no name, or one with a digest.
    """
    reference = parse_reference(text)
    if reference.digest is not None:
        raise InvalidReferenceError(
            f"`{text}` has a digest, which no image can be given", hint="write `NAME[:TAG]`"
        )
    return reference


def _by_digest(store: Store, reference: Reference) -> StoredImage | None:
    """Return the image of a name with a digest: of its manifest, or its ID."""
    if reference.digest is None:
        return None
    for image in store.images.all():
        digests = {image.id, image.manifest.digest if image.manifest else None}
        if reference.digest in digests:
            return image
    return None

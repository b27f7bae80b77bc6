"""Names of base images, resolved: to an image of the store, a registry or a layout.

In:  what FROM, COPY --from and named contexts name, and a platform.
Out: the image's config, and the stored image.

The local store is asked first, so that a build of what is here needs no network; ``pull`` asks
the registry. Only manifests and configs are fetched here.

Concurrency: safe for threads; two that ask for the same image ask the registry once.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import msgspec

from jettison.concurrency import Once
from jettison.errors import (
    AuthenticationError,
    ImageNotFoundError,
    PlatformNotFoundError,
    RegistryUnavailableError,
)
from jettison.image.layout import SCHEME, parse_layout_reference
from jettison.image.names import find_for, platform_of
from jettison.image.pull import pull_manifest, read_layout
from jettison.image.remote import ClientFactory
from jettison.oci.codec import decode
from jettison.oci.config import ImageConfig
from jettison.oci.platform import Platform, matches
from jettison.oci.reference import Reference, parse_reference
from jettison.store.image import StoredImage
from jettison.store.store import Store

IMAGE_SCHEME = "docker-image://"

_STAND_INS = Path(__file__).parents[3] / "examples/bases"
"""Of a checkout; packages do not have it."""


class ResolvedImage(msgspec.Struct, frozen=True):
    """An image and its decoded config."""

    config: ImageConfig
    image: StoredImage


class ImageResolver:
    """Resolves names for one command.

    Args:
        store: Asked first; keeps what is pulled.
        client: Makes the registry client; None does without the network.
        keeps: Whether images that are found elsewhere become images of the store.
    """

    def __init__(self, store: Store, client: ClientFactory | None, *, keeps: bool = True) -> None:
        self._store = store
        self._keeps = keeps
        self._client = client
        self._resolved: Once[tuple[str, Platform, bool], ResolvedImage] = Once()

    def resolve(
        self, reference: str, platform: Platform, *, pull: bool = False, builds: bool = True
    ) -> ResolvedImage:
        """Return the image that a text names, for a platform.

        Args:
            reference: ``NAME[:TAG][@DIGEST]``, the same behind ``docker-image://``, or
                ``oci-layout://PATH[:TAG][@DIGEST]``.
            platform: What it must run on.
            pull: Ask the registry even if the store has one of that name.
            builds: The caller is a build, whose flags hints may name.

        Raises:
            ImageNotFoundError: nobody has it, or it cannot be asked for.
            PlatformNotFoundError: it is there for other platforms.
            InvalidReferenceError: the text names nothing.
            RegistryError, ContentError: the registry does not answer, or not properly.
        """
        job = partial(self._resolve, reference, platform, pull, builds)
        return self._resolved.get((reference, platform, pull), job)

    def _resolve(self, text: str, platform: Platform, pull: bool, builds: bool) -> ResolvedImage:
        if text.startswith(SCHEME):
            layout = parse_layout_reference(text)
            image = read_layout(self._store, layout, platform, keep=self._keeps)
            if image.manifest is not None and self._keeps:
                digest = image.manifest.digest
                self._store.images.remember_manifest(text, str(platform), digest)
            return self._checked(image, platform, text)
        reference = parse_reference(text.removeprefix(IMAGE_SCHEME))
        local = self._local(reference, platform)
        if local is not None and not (pull and self._client is not None):
            return local
        return self._pulled(reference, platform, pull, builds)

    def _local(self, reference: Reference, platform: Platform) -> ResolvedImage | None:
        """Return the image of the store, if it is for the platform."""
        try:
            return _decoded(find_for(self._store, str(reference), platform))
        except PlatformNotFoundError:
            pass
        except ImageNotFoundError:
            return None
        # The name points at another platform's image; this one's may have been pulled before.
        manifest = self._store.images.manifest_for(str(reference), str(platform))
        for other in self._store.images.all():
            if manifest and other.manifest is not None and other.manifest.digest == manifest:
                return _decoded(other)
        return None

    def _pulled(
        self, reference: Reference, platform: Platform, pull: bool, builds: bool
    ) -> ResolvedImage:
        name = reference.familiar
        if self._client is None:
            self._explain_platform(reference, platform)
            raise ImageNotFoundError(
                f"image `{name}` is not in the local store, and the network is not to be used",
                hint=_how_to_load(name, f"run `jettison pull {name}` without `--offline`"),
            )
        try:
            image = pull_manifest(self._store, self._client, reference, platform, keep=self._keeps)
        except RegistryUnavailableError as error:
            if pull:
                raise RegistryUnavailableError(
                    error.message, hint=_how_to_load(name, error.hint or "try again", builds=builds)
                ) from error
            self._explain_platform(reference, platform)
            raise ImageNotFoundError(
                f"image `{name}` is not in the local store, and its registry does not help:"
                f" {error.message}",
                hint=_how_to_load(
                    name, "bring it with `jettison load`" if builds else "try again", builds=builds
                ),
            ) from error
        except AuthenticationError as error:
            raise AuthenticationError(
                f"cannot pull `{name}`: it does not exist, or needs a login: {error.message}",
                hint=error.hint,
                status=error.status,
            ) from error
        if image is None:
            raise ImageNotFoundError(
                f"image `{name}` is neither in the local store nor in its registry",
                hint="check the name and the tag",
            )
        return self._checked(image, platform, name)

    def _explain_platform(self, reference: Reference, platform: Platform) -> None:
        """Raise when the image is here for another platform: that is the better news."""
        image = self._store.images.lookup(str(reference))
        if image is not None:
            has = platform_of(_decoded(image).config)
            raise PlatformNotFoundError(
                f"image `{reference.familiar}` of the local store is for `{has}`, not `{platform}`",
                hint=f"choose `--platform={has}`, or pull the other one",
            )

    def _checked(self, image: StoredImage, platform: Platform, name: str) -> ResolvedImage:
        found = _decoded(image)
        has = platform_of(found.config)
        # Images without a platform exist; they were made by hand and fit everywhere.
        if found.config.os and found.config.architecture and not matches(platform, has):
            raise PlatformNotFoundError(
                f"image `{name}` is for `{has}`, not `{platform}`",
                hint=f"choose `--platform={has}`",
            )
        return found


def _decoded(image: StoredImage) -> ResolvedImage:
    return ResolvedImage(decode(ImageConfig, image.config), image)


def _how_to_load(name: str, first: str, *, builds: bool = True) -> str:
    if not builds:
        return f"{first}, load an archive of it with `jettison load`, or build it"
    layout = f"name a layout with `--build-context {name}=oci-layout://PATH`"
    if _STAND_INS.is_dir():
        return f"{first}, {layout}, or make a stand-in with `examples/bases`"
    return f"{first}, or {layout}"

"""What a copy works with: where images are read, where they go, and what goes there.

In:  a source that a place names.
Out: ``Contents``, which a destination writes.

A new place to copy from or to is a class that satisfies ``CopySource`` or ``CopyDestination``, a
transport in ``exporter.copying.place`` and a case in ``api.copy``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from jettison.events import Progress
from jettison.oci.digest import Digest
from jettison.oci.manifest import Descriptor
from jettison.oci.reference import Reference
from jettison.registry.client import PulledManifest


class BlobFile(Protocol):
    """An open blob."""

    def seek(self, offset: int, /) -> object:
        """Go to an offset."""
        ...

    def read(self, size: int, /) -> bytes:
        """Return up to ``size`` bytes, none at the end."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class CopySource(Protocol):
    """Where an image is; safe for threads."""

    def root(self) -> PulledManifest:
        """Return the manifest or index that the place names.

        Raises:
            ImageNotFoundError: there is none.
        """
        ...

    def document(self, descriptor: Descriptor) -> bytes:
        """Return a manifest or an index, verified."""
        ...

    def open(self, descriptor: Descriptor) -> BlobFile:
        """Open a blob, whose bytes are not verified."""
        ...

    def near(self, descriptor: Descriptor) -> Reference | None:
        """Return a repository that has a blob, for a registry that mounts it."""
        ...

    def referrers(self, digest: Digest) -> Sequence[PulledManifest]:
        """Return the artifacts whose subject is a manifest, as far as the place knows them."""
        ...

    def tagged(self, tag: str) -> PulledManifest | None:
        """Return what another tag beside the image names, None without one."""
        ...


class CopiedManifest(msgspec.Struct, frozen=True):
    """A manifest or an index to be copied.

    Args:
        descriptor: Of it, with what its index says of it.
        data: Its bytes.
        blobs: What it names that is neither manifest nor index; no foreign layers.
        subject: What it refers to.
        is_image: Whether it is for a platform, and no index or another artifact.
    """

    descriptor: Descriptor
    data: bytes
    blobs: tuple[Descriptor, ...] = ()
    subject: Digest | None = None
    is_image: bool = False


class Contents(msgspec.Struct, frozen=True):
    """All of a copy.

    Args:
        root: What gets the name.
        manifests: Each once; what another one names comes before it, and root last of those that
            are not beside the image.
        referrers: Artifacts beside the image, in the same form.
        tags: More names, each with the digest of one of the manifests.
        foreign: Layers that are at URLs and are not copied.
        left_out: Images of an index that are not copied, if one was chosen.
    """

    root: CopiedManifest
    manifests: tuple[CopiedManifest, ...]
    referrers: tuple[CopiedManifest, ...] = ()
    tags: tuple[tuple[str, Digest], ...] = ()
    foreign: tuple[Descriptor, ...] = ()
    left_out: int = 0

    @property
    def every(self) -> tuple[CopiedManifest, ...]:
        """All manifests, those beside the image, too."""
        return (*self.manifests, *self.referrers)

    @property
    def blobs(self) -> tuple[Descriptor, ...]:
        """All blobs, each once, the largest first."""
        found = {blob.digest: blob for each in self.every for blob in each.blobs}
        return tuple(sorted(found.values(), key=lambda each: -each.size))


class CopyDestination(Protocol):
    """Where a copy goes; nothing incomplete gets a name there."""

    def write(self, contents: Contents, source: CopySource, report: Progress) -> None:
        """Write what is to be copied.

        Args:
            contents: It.
            source: Has its blobs.
            report: Called with bytes per blob.

        Raises:
            JettisonError: the place cannot hold it, or cannot be written.
        """
        ...

"""What an exporter is: it writes finished images somewhere.

In:  stored images, one per platform.
Out: files, streams, registries, names in the store.

A new kind of output is a struct in ``exporter.outputs``, a module with a class that satisfies
``Exporter`` and a case in ``exporter.catalog``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO, Protocol

import msgspec

from jettison.events import Progress
from jettison.image.attestation import Attestation, AttestationsOf, no_attestations
from jettison.image.layers import LayerBlobs
from jettison.image.manifest import Compression
from jettison.image.remote import ClientFactory
from jettison.oci.manifest import Descriptor
from jettison.oci.platform import Platform
from jettison.oci.reference import Reference
from jettison.store.image import StoredImage
from jettison.store.store import Store


class ExportServices(msgspec.Struct, frozen=True):
    """What exporters work with.

    Args:
        store: Has the images.
        blobs: Makes and fetches layers.
        client: Makes the registry client; None does without the network.
        stdout: Takes what goes to ``dest=-``; None when there is no such stream.
        attestations: Returns what is said of an image.
        platform: What this machine is; a name of several images points at that for it.
    """

    store: Store
    blobs: LayerBlobs
    client: ClientFactory | None = None
    stdout: BinaryIO | None = None
    attestations: AttestationsOf = no_attestations
    platform: Platform | None = None


class ImageWishes(msgspec.Struct, frozen=True):
    """What an output wants of the image that it gets.

    Args:
        rewrite_times: No time later than SOURCE_DATE_EPOCH; None is as the build has it.
        epoch: Seconds since the epoch, for this output alone; None is the build's.
        estargz: How its layers are made eStargz ones, whose diff IDs are others; None leaves them.
    """

    rewrite_times: bool | None = None
    epoch: int | None = None
    estargz: Compression | None = None


class PushTarget(msgspec.Struct, frozen=True):
    """A repository that will get the image; ``insecure`` does without TLS checks."""

    reference: Reference
    insecure: bool = False


class ExportResult(msgspec.Struct, frozen=True):
    """What was written.

    Args:
        manifest: Of the image, or the index of several; None for plain files.
        names: Normalised references that it has now.
        path: Where it is; empty for streams, registries and the store.
        warning: What the user should know about it.
        pushed: Manifests of the images as a registry has them now, one per image; none elsewhere.
        said: What is said of them, one for each of ``pushed``.
        apart: What of it is not in the index.
    """

    manifest: Descriptor | None = None
    names: tuple[str, ...] = ()
    path: str = ""
    warning: str = ""
    pushed: tuple[Descriptor, ...] = ()
    said: tuple[tuple[Attestation, ...], ...] = ()
    apart: tuple[tuple[Attestation, ...], ...] = ()


class Exporter(Protocol):
    """Writes images somewhere; nothing of a failed export is left under its final name."""

    @property
    def wishes(self) -> ImageWishes:
        """What it wants of the image."""
        ...

    @property
    def packs(self) -> Compression | None:
        """How it wants the layers' blobs, so that they can be made early; None needs no blobs."""
        ...

    def export(self, images: Sequence[StoredImage], report: Progress) -> ExportResult:
        """Write images.

        Args:
            images: One per platform, at least one.
            report: Called with bytes per item; may raise to cancel.

        Raises:
            ExportError: it cannot be written where it is to go.
            StorageError: the store lacks something, or has no space.
            RegistryError: a registry refuses.
        """
        ...

"""Descriptors, manifests and indexes.

In:  JSON of blobs, decoded by ``oci.codec``.
Out: frozen structs whose fields are the specification's.

Source: OCI image-spec 1.1, descriptor.md, manifest.md, image-index.md.
"""

from __future__ import annotations

import msgspec

from jettison.oci.digest import Digest
from jettison.oci.platform import Platform

TOC_DIGEST = "containerd.io/snapshot/stargz/toc.digest"
"""Annotation of an eStargz layer: digest of its table of contents."""


class Descriptor(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """A name of content: media type, digest and size in bytes."""

    media_type: str
    digest: Digest
    size: int
    annotations: dict[str, str] = {}
    platform: Platform | None = None
    artifact_type: str = ""
    urls: tuple[str, ...] = ()


class Manifest(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """An image manifest; ``layers`` are ordered from the base up."""

    config: Descriptor
    layers: tuple[Descriptor, ...]
    schema_version: int = msgspec.field(
        default_factory=lambda: 2
    )  # written even though it is the default
    media_type: str = ""
    artifact_type: str = ""
    subject: Descriptor | None = None
    annotations: dict[str, str] = {}


class Index(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """An image index, or docker's manifest list."""

    manifests: tuple[Descriptor, ...]
    schema_version: int = msgspec.field(default_factory=lambda: 2)
    media_type: str = ""
    artifact_type: str = ""
    subject: Descriptor | None = None
    annotations: dict[str, str] = {}

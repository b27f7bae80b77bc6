"""Everything that a layout of some images holds: descriptors, documents, blobs.

In:  stored images, their form, their names.
Out: ``LayoutContents``; ``ImageSet`` for exporters that write an index of several platforms.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import msgspec

from jettison.events import Progress
from jettison.exporter.base import ExportServices
from jettison.exporter.options import OCI_ONLY, ImageOptions, lost_annotations
from jettison.image.archive import DockerImage, encode_docker_manifest
from jettison.image.attestation import Attestation, AttestationManifest, attestation_manifest
from jettison.image.layout import IMAGE_NAME, LayoutContents
from jettison.image.manifest import (
    BuiltManifest,
    ManifestForm,
    build_index,
    build_manifest,
    image_platform,
)
from jettison.image.parallel import Stop, run_parallel
from jettison.oci.digest import Digest
from jettison.oci.layout import REF_NAME, blob_name
from jettison.oci.manifest import Descriptor
from jettison.oci.mediatype import OCI_MANIFEST
from jettison.oci.platform import Platform, closest
from jettison.oci.reference import Reference
from jettison.store.image import StoredImage
from jettison.store.layer import LayerId

_FETCHES = 4


class ImageSet(msgspec.Struct, frozen=True):
    """Manifests of the images of one export.

    Args:
        manifests: One per platform.
        root: The manifest, or the index of several.
        index_data: Bytes of that index; empty for a single image.
        attestations: Manifests of what is said of images, which the index has as well.
        said: What is said of each image.
        apart: What of it is not in the index.
    """

    manifests: tuple[BuiltManifest, ...]
    root: Descriptor
    index_data: bytes = b""
    attestations: tuple[AttestationManifest, ...] = ()
    said: tuple[tuple[Attestation, ...], ...] = ()
    apart: tuple[tuple[Attestation, ...], ...] = ()

    def lost_annotations(self, options: ImageOptions, *, layout: bool) -> str:
        """Return which annotations have no place in this, for people; empty if all have.

        Args:
            options: Of the export.
            layout: Whether there is an ``index.json`` that describes what is written.
        """
        oci = all(each.descriptor.media_type == OCI_MANIFEST for each in self.manifests)
        indexed = bool(self.index_data)
        return lost_annotations(options, oci=oci, indexed=indexed, layout=layout)


def build_set(
    services: ExportServices,
    images: Sequence[StoredImage],
    options: ImageOptions,
    *,
    oci: bool | None,
) -> ImageSet:
    """Return the manifests of images, and their index if there are several.

    Args:
        services: Has the layers.
        images: One per platform.
        options: Compression and annotations.
        oci: Media types; None keeps what each image came with, else OCI's.

    Raises:
        StorageError: a layer is not here any more, or no space.
    """
    if options.compression.name in OCI_ONLY and oci is False:
        oci = True
    said = tuple(tuple(services.attestations(image)) for image in images)
    inline = [tuple(filter(partial(_is_inline, options), each)) for each in said]
    if any(inline):
        oci = True  # docker's media types have no attestations
    manifests: list[BuiltManifest] = []
    for image in images:
        platform = image_platform(image.config)
        form = ManifestForm(options.compression, oci, options.notes("manifest", platform))
        built = build_manifest(services.store, image, services.blobs, form)
        described = options.notes("manifest-descriptor", platform)
        if described:
            descriptor = msgspec.structs.replace(built.descriptor, annotations=described)
            built = msgspec.structs.replace(built, descriptor=descriptor)
        manifests.append(built)
    apart = tuple(
        tuple(one for one in every if one not in kept)
        for every, kept in zip(said, inline, strict=True)
    )
    on_index = any(each.on == "index" for each in options.annotations)
    if len(manifests) == 1 and not on_index and not any(inline):
        return ImageSet(tuple(manifests), manifests[0].descriptor, said=said, apart=apart)
    attested = tuple(
        attestation_manifest(built.descriptor, kept, options.names)
        for built, kept in zip(manifests, inline, strict=True)
        if kept
    )
    descriptors = [each.descriptor for each in manifests]
    root, data = build_index(
        descriptors + [each.descriptor for each in attested],
        oci=oci is not False,
        annotations=options.notes("index"),
    )
    return ImageSet(tuple(manifests), root, data, attested, said, apart)


def _is_inline(options: ImageOptions, attestation: Attestation) -> bool:
    return attestation.inline if options.inline is None else options.inline


def layout_contents(
    sets: Sequence[tuple[ImageSet, Sequence[Reference]]],
    extra: Mapping[str, str],
    *,
    docker: bool,
    platform: Platform | None = None,
) -> LayoutContents:
    """Return what a layout of image sets under their names holds.

    Args:
        sets: Images with names.
        extra: Annotations of all entries of the index.
        docker: Whether docker is to load it.
        platform: Of several images docker's own list names that for it; other readers see all.
    """
    entries: list[Descriptor] = []
    documents: dict[Digest, bytes] = {}
    layers: dict[Digest, tuple[LayerId, Descriptor, str]] = {}
    for images, names in sets:
        for built in images.manifests:
            documents[built.descriptor.digest] = built.data
            documents[built.config.digest] = built.config_data
            layers.update({d.digest: (name, d, built.source) for name, d in built.layers})
        for said in images.attestations:
            documents[said.descriptor.digest] = said.data
            documents.update({each.digest: data for each, data in said.blobs})
        if images.index_data:
            documents[images.root.digest] = images.index_data
        for name in names or (None,):
            notes = {**images.root.annotations, **extra}
            if name is not None:
                notes[IMAGE_NAME] = str(name)
                notes[REF_NAME] = name.tag
            entries.append(msgspec.structs.replace(images.root, annotations=notes))
    pointer = encode_docker_manifest(_docker_images(sets, platform)) if docker else b""
    return LayoutContents(tuple(entries), documents, tuple(layers.values()), pointer)


def _docker_images(
    sets: Sequence[tuple[ImageSet, Sequence[Reference]]], platform: Platform | None
) -> list[DockerImage]:
    """Return the entries of ``manifest.json``; one per set, whatever its number of names."""
    return [
        DockerImage(
            config=blob_name(built.config.digest),
            repo_tags=tuple(name.familiar for name in names) or None,
            layers=tuple(blob_name(descriptor.digest) for _, descriptor in built.layers),
        )
        for images, names in sets
        for built in (_for_docker(images, platform),)
    ]


def _for_docker(images: ImageSet, platform: Platform | None) -> BuiltManifest:
    if platform is None or len(images.manifests) == 1:
        return images.manifests[0]
    offered = [image_platform(each.config_data) for each in images.manifests]
    return images.manifests[closest(platform, offered) or 0]


def fetch_layers(services: ExportServices, made: LayoutContents, report: Progress) -> None:
    """Fetch all blobs of a layout into the store.

    Raises:
        SourceError, ContentError, StorageError: one cannot be had.
    """

    def fetch(layer: LayerId, descriptor: Descriptor, source: str, stop: Stop) -> None:
        stop.check()
        services.blobs.fetch(layer, descriptor, report, source=source)

    run_parallel([partial(fetch, *each) for each in made.layers], limit=_FETCHES)

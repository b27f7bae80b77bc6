"""What outputs that are images have in common, as exporters work with it.

In:  an output, the names of the build.
Out: ``ImageOptions``: references, a compression, annotations by where they go.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from jettison.exporter.base import ImageWishes
from jettison.exporter.outputs import Annotation, AnnotationPlace, ImageForm, PushedForm
from jettison.image.form import ESTARGZ
from jettison.image.manifest import Compression
from jettison.image.names import tag_reference
from jettison.oci.digest import Digest
from jettison.oci.platform import Platform, parse_platform
from jettison.oci.reference import Reference

_UNCOMPRESSED = "none"

OCI_ONLY = frozenset({"zstd", ESTARGZ})
"""Compressions whose layers are described in OCI's manifests only: others know no such thing."""


class ImageOptions(msgspec.Struct, frozen=True):
    """What is asked of an image.

    Args:
        names: References it gets.
        compression: Of the layers.
        oci: OCI's or docker's media types; None is the output's default.
        annotations: Of manifest and index.
        inline: Whether attestations go into the index; None leaves that to each of them.
        by_digest: Registries get no tags.
        canonical: Names with digests are reported, too.
    """

    names: tuple[Reference, ...] = ()
    compression: Compression = Compression()
    oci: bool | None = None
    annotations: tuple[Annotation, ...] = ()
    inline: bool | None = None
    by_digest: bool = False
    canonical: bool = False

    def names_of(self, digest: Digest) -> tuple[str, ...]:
        """Return the references that an image has in registries: tags, names with its digest.

        Args:
            digest: Of its manifest or index.
        """
        tags = () if self.by_digest else tuple(map(str, self.names))
        if not (self.canonical or self.by_digest):
            return tags
        return (*tags, *dict.fromkeys(f"{name.name}@{digest}" for name in self.names))

    def notes(self, on: AnnotationPlace, platform: Platform | None = None) -> dict[str, str]:
        """Return the annotations of a document or descriptor, in the order written.

        Args:
            on: Which one; see ``Annotation``.
            platform: Of its image; None for an index.
        """
        return {
            each.key: each.value
            for each in self.annotations
            if each.on == on and (not each.platform or parse_platform(each.platform) == platform)
        }


def compression_of(form: ImageForm) -> Compression:
    """Return how an output wants layers to be compressed."""
    name = _UNCOMPRESSED if form.compression == "uncompressed" else form.compression
    level = form.compression_level
    if name == "zstd" and level == 0:
        level = None  # as zstd itself has it
    return Compression(name, level, form.force_compression)


def image_wishes(form: ImageForm) -> ImageWishes:
    """Return what an output wants of the image that it gets."""
    made = compression_of(form)
    return ImageWishes(
        form.rewrite_timestamp,
        form.source_date_epoch,
        made if made.name == ESTARGZ else None,
    )


def packed_early(compression: Compression) -> Compression | None:
    """Return how layers can be packed while the build runs; None for what is made afterwards."""
    return None if compression.name == ESTARGZ else compression


def lost_annotations(options: ImageOptions, *, oci: bool, indexed: bool, layout: bool) -> str:
    """Return which annotations an export has no place for, for people; empty if it has.

    Args:
        options: Of the export.
        oci: Whether manifests have OCI's media types.
        indexed: Whether there is an index.
        layout: Whether there is an ``index.json`` that describes what is written.
    """
    given = {each.on for each in options.annotations}
    lost: list[str] = []
    if "manifest" in given and not oci:
        lost.append("manifest (docker's media types have none)")
    if "manifest-descriptor" in given and not (indexed or layout):
        lost.append("manifest-descriptor (a registry has them in an index only)")
    if "index-descriptor" in given and not layout:
        lost.append("index-descriptor (a registry has no such place)")
    return f"annotations are left out: of {', '.join(lost)}" if lost else ""


def pushed_options(form: PushedForm, names: Sequence[Reference]) -> ImageOptions:
    """Return the options of an output that goes to a registry; see ``image_options``."""
    options = image_options(form, names)
    by_digest = form.push_by_digest
    if not options.names and form.dangling_name_prefix:
        options = msgspec.structs.replace(
            options, names=(tag_reference(form.dangling_name_prefix),)
        )
        by_digest = True
    return msgspec.structs.replace(options, by_digest=by_digest, canonical=form.name_canonical)


def image_options(form: ImageForm, names: Sequence[Reference]) -> ImageOptions:
    """Return the options of an output; ``names`` are those it gets when it has none."""
    return ImageOptions(
        tuple(map(tag_reference, form.names)) or tuple(names),
        compression_of(form),
        form.oci_mediatypes,
        form.annotations,
        form.attestation_inline,
    )

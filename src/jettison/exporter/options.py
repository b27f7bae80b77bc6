"""What outputs that are images have in common, as exporters work with it.

In:  an output, the names of the build.
Out: ``ImageOptions``: references, a compression, annotations by where they go.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from jettison.exporter.outputs import Annotation, AnnotationPlace, ImageForm
from jettison.image.manifest import Compression
from jettison.image.names import tag_reference
from jettison.oci.platform import Platform, parse_platform
from jettison.oci.reference import Reference

_UNCOMPRESSED = "none"


class ImageOptions(msgspec.Struct, frozen=True):
    """What is asked of an image.

    Args:
        names: References it gets.
        compression: Of the layers.
        oci: OCI's or docker's media types; None is the output's default.
        annotations: Of manifest and index.
        inline: Whether attestations go into the index; None leaves that to each of them.
    """

    names: tuple[Reference, ...] = ()
    compression: Compression = Compression()
    oci: bool | None = None
    annotations: tuple[Annotation, ...] = ()
    inline: bool | None = None

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
    return Compression(name, form.compression_level, form.force_compression)


def image_options(form: ImageForm, names: Sequence[Reference]) -> ImageOptions:
    """Return the options of an output; ``names`` are those it gets when it has none."""
    return ImageOptions(
        tuple(map(tag_reference, form.names)) or tuple(names),
        compression_of(form),
        form.oci_mediatypes,
        form.annotations,
        form.attestation_inline,
    )

"""Names in an OCI image layout, which the store is, too.

Source: OCI image-spec 1.1, image-layout.md, annotations.md.
"""

from __future__ import annotations

from jettison.oci.digest import Digest

INDEX = "index.json"
MARKER = "oci-layout"
MARKER_DATA = b'{"imageLayoutVersion":"1.0.0"}'

REF_NAME = "org.opencontainers.image.ref.name"
"""Annotation of an entry of the index: a tag."""


def blob_name(digest: Digest) -> str:
    """Return where a layout has a blob.

    >>> blob_name(Digest("sha256:0a"))
    'blobs/sha256/0a'
    """
    algorithm, _, text = digest.partition(":")
    return f"blobs/{algorithm}/{text}"

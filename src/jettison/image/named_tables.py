"""Which tables of contents may be believed for an image.

In:  the image that a FROM or COPY names, and its layers.
Out: by number of the layer, the digest of its table (``image.toc``).

A layer is known by the digest of its tar, and no table is proven to tell of that tar; two images
of one config may have manifests that name different tables. So a table is the word of one manifest,
and counts where a Dockerfile names the image by the reference that this manifest was found by.
"""

from __future__ import annotations

from collections.abc import Mapping

from jettison.errors import JettisonError
from jettison.image.document import decode_document
from jettison.image.layout import SCHEME
from jettison.image.toc import table_digest
from jettison.oci.codec import MAX_DOCUMENT_BYTES
from jettison.oci.digest import Digest
from jettison.oci.manifest import Manifest
from jettison.oci.reference import parse_reference
from jettison.plan.op import ImageOp
from jettison.store.layer import Stack
from jettison.store.store import Store


def named_tables(store: Store, image: ImageOp, layers: Stack) -> Mapping[int, Digest]:
    """Return digests of tables of contents, by number of the layer.

    Args:
        store: Has manifests.
        image: What a Dockerfile names.
        layers: All its layers, base first.
    """
    try:
        name = image.reference
        if not name.startswith(SCHEME):
            name = str(parse_reference(name.removeprefix("docker-image://")))
        digest = store.images.manifest_for(name, str(image.platform))
        if digest is None or not store.blobs.has(digest):
            return {}
        data = store.blobs.read(digest, limit=MAX_DOCUMENT_BYTES)
        manifest = decode_document(data, "")
    except JettisonError:
        return {}
    if not isinstance(manifest, Manifest):
        return {}
    known = store.images.get(manifest.config.digest)
    if known is None or tuple(each.layer for each in known.layers) != layers:
        return {}  # the name points at something else by now
    return tables_of(manifest)


def tables_of(manifest: Manifest) -> Mapping[int, Digest]:
    """Return what one manifest says: digests of tables of contents, by number of the layer."""
    found = {number: table_digest(each) for number, each in enumerate(manifest.layers)}
    return {number: digest for number, digest in found.items() if digest is not None}

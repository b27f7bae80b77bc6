"""``type=inline``: a cache in the image itself, in its config.

In:  records of the image's layers; the manifest and config of an image that was pulled.
Out: text for ``ImageConfig.cache``; a ``Pack``.

Records in an image do not say where blobs are: the manifest does, whichever way it was compressed.
Times that tell builds apart are left out, so that equal builds give equal images.
"""

from __future__ import annotations

import base64
import binascii

import msgspec

from jettison.errors import InvalidManifestError
from jettison.image.document import decode_config
from jettison.oci.manifest import Descriptor, Manifest
from jettison.oci.mediatype import OCI_CONFIG, OCI_LAYER
from jettison.remote.index import PackEntry
from jettison.remote.record import CacheRecord, Pack, decode_pack, encode_pack


def encode_inline(pack: Pack) -> str:
    """Return what an image's config holds of a pack."""
    records = {key: _without_place(record) for key, record in pack.records.items()}
    return base64.b64encode(encode_pack(Pack(records, pack.answers))).decode()


def decode_inline(manifest: Manifest, config_data: bytes) -> Pack:
    """Return the pack that an image holds; an empty one if it holds none.

    Raises:
        InvalidManifestError: it is damaged, or manifest and config do not fit.
    """
    config = decode_config(manifest, config_data)
    if not config.cache:
        return Pack()
    try:
        pack = decode_pack(base64.b64decode(config.cache, validate=True))
    except (binascii.Error, ValueError) as error:
        raise InvalidManifestError(f"the cache in an image is damaged: {error}") from error
    blobs = dict(zip(config.rootfs.diff_ids, manifest.layers, strict=True))
    records = {
        key: msgspec.structs.replace(
            record,
            media_type=blobs[record.diff_id].media_type,
            blob=blobs[record.diff_id].digest,
            blob_bytes=blobs[record.diff_id].size,
        )
        for key, record in pack.records.items()
        if record.diff_id in blobs
    }
    return Pack(records, pack.answers)


def inline_entry(manifest: Descriptor, config: Descriptor) -> PackEntry:
    """Return the entry of an image, as if it were a pack.

    Args:
        manifest: Descriptor of its manifest.
        config: Of its config, or of whatever tells this image from others.
    """
    config = Descriptor(OCI_CONFIG, config.digest, config.size)
    return PackEntry(manifest, config, None, 0, 0)


def is_inline(entry: PackEntry) -> bool:
    """Tell whether an entry is an image."""
    return entry.records.media_type == OCI_CONFIG


def _without_place(record: CacheRecord) -> CacheRecord:
    return msgspec.structs.replace(
        record, media_type=OCI_LAYER, blob=record.diff_id, blob_bytes=0, duration_ns=0, used_s=0
    )

"""Claimed layers: what a build cache elsewhere says of layers that nobody has looked at here.

In:  claims, under the names that the layers are said to have.
Out: the same, until the layer is here as files: then it was found to be what its name says.

A claim stands apart from what is known (``store.layers``): it tells where a blob may be and what
should be in it, and no more. Files get the name only when they have it by their own digest.

On disk: table ``claimed_layer``.
"""

from __future__ import annotations

import msgspec

from jettison.oci.digest import Digest
from jettison.oci.manifest import Descriptor
from jettison.store.database import Database
from jettison.store.layer import LayerId


class Claim(msgspec.Struct, frozen=True):
    """What a cache says of a layer.

    Args:
        layer: Its name, which is the digest of all that it holds.
        diff_id: Digest of its uncompressed tar.
        content: Its content digest, by which steps on it are keyed.
        clock_ns: Times from here on say only when it was made.
        size_bytes: Bytes of its regular files.
        entries: Number of its entries.
        descriptor: Of its blob.
        source: Where the blob can be had, as of a remote layer.
    """

    layer: LayerId
    diff_id: Digest
    content: str
    clock_ns: int
    size_bytes: int
    entries: int
    descriptor: Descriptor
    source: str


_decoder = msgspec.msgpack.Decoder(Claim)


def find_claim(database: Database, layer: LayerId) -> Claim | None:
    """Return what is claimed of a layer."""
    rows = database.query("SELECT claim FROM claimed_layer WHERE layer = ?", (layer,))
    return _decoder.decode(rows[0][0]) if rows else None


def claim_of_tar(database: Database, diff_id: Digest) -> Claim | None:
    """Return a claim by the digest of the tar."""
    rows = database.query(
        "SELECT claim FROM claimed_layer WHERE diff_id = ? ORDER BY layer LIMIT 1", (diff_id,)
    )
    return _decoder.decode(rows[0][0]) if rows else None


def keep_claim(database: Database, claim: Claim) -> None:
    """Keep a claim, in place of an earlier one of the layer."""
    database.execute(
        "INSERT OR REPLACE INTO claimed_layer VALUES (?, ?, ?)",
        (claim.layer, claim.diff_id, msgspec.msgpack.encode(claim)),
    )


def drop_claim(database: Database, layer: LayerId) -> None:
    """Forget what is claimed of a layer."""
    database.execute("DELETE FROM claimed_layer WHERE layer = ?", (layer,))

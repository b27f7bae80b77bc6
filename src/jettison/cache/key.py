"""Cache keys: what a result depends on, by content.

In:  an op, and the digests of what it reads: late facts, found while solving.
Out: ``CacheKey``: a digest and its preimage, kept so that a miss can be explained.

A key is the sha256 of a version and the MessagePack encoding of labelled components;
MessagePack prefixes every component with its length, so no two preimages share an encoding.
What an op reads of its base differs: a RUN the whole stack, a COPY only facts about its
destination. A child of a RUN is keyed by what the RUN produced, not by how (early cutoff).
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from jettison.oci.digest import Digest, raw, sha256_digest
from jettison.plan.op import CopyOp, ExecOp, MkdirOp

KEY_VERSION = b"jettison-key-1\0"
STACK_VERSION = b"jettison-stack-1\0"

Component = tuple[str, bytes]
"""A label for people, such as ``base`` or ``files of input 0``, and the bytes that count."""


class CacheKey(msgspec.Struct, frozen=True):
    """A key and what it was made of, in order.

    ``preimages`` are what digests among the components are of, by raw digest, as far as they were
    computed now: what is missing was kept when it was computed.
    """

    digest: Digest
    components: tuple[Component, ...]
    preimages: Mapping[bytes, bytes] = {}


Contents = tuple[str, ...]
"""A root file system as keys know it: by what each of its layers holds, base first
(``store.layers.Layer.content``)."""


def stack_digest(stack: Contents) -> Digest:
    """Return the content digest of a root file system.

    Equal ones hold equal files, but for times that say only when a step ran.
    """
    encoded = msgspec.msgpack.encode(stack)
    return sha256_digest(STACK_VERSION + encoded)


def exec_key(
    op: ExecOp,
    base: Contents,
    mounted: tuple[Digest, ...],
    *,
    unchecked: bool = False,
    preimages: Mapping[bytes, bytes] = {},
) -> CacheKey:
    """Return the key of a RUN.

    Args:
        op: What runs. Cache mounts' contents and secrets' values are not part of it.
        base: The root file system it runs on.
        mounted: Content digest of what each mount with an input selects, in order of mounts.
        unchecked: The layer may hold a secret: no build that forbids it may find the layer.
        preimages: See ``CacheKey``.
    """
    parts: list[Component] = [
        ("op", msgspec.msgpack.encode(op)),
        ("base", raw(stack_digest(base))),
    ]
    parts += [(f"files of mount {index}", raw(digest)) for index, digest in enumerate(mounted)]
    if unchecked:
        parts.append(("secrets in layers", b"allowed"))
    return _key(parts, preimages)


def copy_key(
    op: CopyOp, selected: Digest, destination: Digest, preimages: Mapping[bytes, bytes] = {}
) -> CacheKey:
    """Return the key of a COPY or ADD.

    Args:
        op: What is copied where.
        selected: Content digest of the selected files as they will be written.
        destination: Digest of the facts about the base that matter.
        preimages: See ``CacheKey``.
    """
    parts = [
        ("op", msgspec.msgpack.encode(op)),
        ("selected files", raw(selected)),
        ("destination", raw(destination)),
    ]
    return _key(parts, preimages)


def mkdir_key(op: MkdirOp, destination: Digest, preimages: Mapping[bytes, bytes] = {}) -> CacheKey:
    """Return the key of a WORKDIR; other arguments as in ``copy_key``."""
    parts = [("op", msgspec.msgpack.encode(op)), ("destination", raw(destination))]
    return _key(parts, preimages)


def selector_digest(*parts: object) -> Digest:
    """Return a digest that names a question about a stack, for the memo of its answer."""
    return sha256_digest(msgspec.msgpack.encode(parts))


def _key(parts: list[Component], preimages: Mapping[bytes, bytes]) -> CacheKey:
    encoded = msgspec.msgpack.encode(parts)
    digest = sha256_digest(KEY_VERSION + encoded)
    return CacheKey(digest=digest, components=tuple(parts), preimages=preimages)

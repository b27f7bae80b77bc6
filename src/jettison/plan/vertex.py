"""Vertices: an op with its inputs, named by its definition digest.

In:  an op, the vertices it builds on.
Out: ``Vertex``; equal definitions give equal digests, whatever their names and places.

The definition digest holds no content: what files a context has, or what a RUN produced, enters
later, as arguments of the cache key (``cache.key``).
"""

from __future__ import annotations

import msgspec

from jettison.errors import Span
from jettison.oci.digest import Digest, sha256_digest
from jettison.oci.redact import redacted
from jettison.plan.op import GitOp, HttpOp, Op

DEFINITION_VERSION = b"jettison-definition-1\0"


class Vertex(msgspec.Struct, frozen=True):
    """A node of the plan.

    Args:
        digest: The definition digest, made by ``vertex()``.
        op: What it does.
        base: The vertex whose root file system it changes; None is the empty one (scratch).
            Always None for image, local, http and git ops.
        inputs: Vertices that the op reads by index (``CopySource.input``, ``ExecMount.input``).
        name: For people: ``[builder 3/5] RUN make``.
        stage: Index of the stage it was first written in; -1 for internal vertices.
        span: Its place in the Dockerfile.
        ignore_cache: Do not look up, only record (``--no-cache``).
    """

    digest: Digest
    op: Op
    base: Digest | None
    inputs: tuple[Digest, ...]
    name: str
    stage: int = -1
    span: Span | None = None
    ignore_cache: bool = False

    @property
    def needs(self) -> tuple[Digest, ...]:
        """All vertices that must be solved before, the base first."""
        return self.inputs if self.base is None else (self.base, *self.inputs)


def definition_digest(op: Op, base: Digest | None, inputs: tuple[Digest, ...]) -> Digest:
    """Return the digest of an op and the definitions of what it reads.

    MessagePack prefixes every field with its length, so no two definitions share an encoding.
    Credentials of URLs do not count: digests are shown, and who knows one could try passwords.
    """
    if isinstance(op, HttpOp):
        op = msgspec.structs.replace(op, url=redacted(op.url))
    elif isinstance(op, GitOp):
        op = msgspec.structs.replace(op, remote=redacted(op.remote))
    encoded = msgspec.msgpack.encode((op, base, inputs))
    return sha256_digest(DEFINITION_VERSION + encoded)


def vertex(
    op: Op,
    *,
    name: str,
    base: Vertex | None = None,
    inputs: tuple[Vertex, ...] = (),
    stage: int = -1,
    span: Span | None = None,
    ignore_cache: bool = False,
) -> Vertex:
    """Return the vertex of an op on other vertices."""
    base_digest = base.digest if base is not None else None
    digests = tuple(each.digest for each in inputs)
    return Vertex(
        digest=definition_digest(op, base_digest, digests),
        op=op,
        base=base_digest,
        inputs=digests,
        name=name,
        stage=stage,
        span=span,
        ignore_cache=ignore_cache,
    )

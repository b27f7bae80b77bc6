"""What a solved vertex gives to those who need it."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from jettison.cache.key import CacheKey
from jettison.fs.tree import Tree
from jettison.oci.digest import Digest
from jettison.plan.graph import Plan
from jettison.solver.root_layers import RootLayers
from jettison.store.layer import LayerId, Stack


class StackResult(msgspec.Struct, frozen=True):
    """A root file system.

    Args:
        stack: All layers, base first.
        layer: The one this vertex made; None for images.
        created_ns: When that layer was made, nanoseconds since the epoch; 0 for images.
        cached: Whether it was found, not made.
        key: Cache key of the layer; empty for images.
        origins: Name under which the origins of a COPY's files are kept; empty for others.
        duration_ns: How long it took to make it, now or when it was made; 0 is unknown.
        diff_ids: Of the image that the first layers are all of; see ``RootLayers``.
    """

    stack: Stack
    layer: LayerId | None = None
    created_ns: int = 0
    cached: bool = False
    duration_ns: int = 0
    key: str = ""
    origins: str = ""
    diff_ids: tuple[Digest, ...] = ()

    @property
    def root(self) -> RootLayers:
        """The same as keys know it."""
        return RootLayers(self.stack, self.diff_ids)


class TreeResult(msgspec.Struct, frozen=True):
    """Files that are no layer: a context, a download, a checkout.

    ``immutable`` files may be hard-linked; a context's may change while they are read.
    """

    tree: Tree
    immutable: bool = False


Result = StackResult | TreeResult


class Solution(msgspec.Struct, frozen=True):
    """All results of a plan, or those that there are of one that failed.

    ``executed`` and ``cached`` count vertices that make layers; ``keys`` are theirs, and of those
    that failed or were not come to, as far as they were known.
    """

    plan: Plan
    results: dict[Digest, Result]
    executed: tuple[Digest, ...] = ()
    cached: tuple[Digest, ...] = ()
    failed: tuple[Digest, ...] = ()
    keys: Mapping[Digest, CacheKey] = {}

    def of(self, plan: Plan) -> Solution:
        """Return what it says of one of the plans that were solved together."""
        if plan is self.plan:
            return self
        own = {vertex.digest for vertex in plan.vertices}
        return Solution(
            plan,
            {digest: result for digest, result in self.results.items() if digest in own},
            executed=tuple(each for each in self.executed if each in own),
            cached=tuple(each for each in self.cached if each in own),
            failed=tuple(each for each in self.failed if each in own),
            keys={digest: key for digest, key in self.keys.items() if digest in own},
        )

    def stack(self, vertex: Digest | None) -> Stack:
        """Return the root file system of a vertex; the empty one for None (scratch)."""
        if vertex is None:
            return ()
        result = self.results[vertex]
        return result.stack if isinstance(result, StackResult) else ()

"""WORKDIR: a directory that is made when it is missing."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from jettison.cache.key import CacheKey, mkdir_key, selector_digest
from jettison.fs.tree import Tree
from jettison.plan.op import MkdirOp
from jettison.plan.vertex import Vertex
from jettison.snapshot.base import Change, LayerInfo
from jettison.solver.ops.base import Inputs, making, may_not_be_kept
from jettison.solver.runtime import Runtime

if TYPE_CHECKING:
    from jettison.copier.destination import Destination


class MkdirExecutor:
    """Solves one WORKDIR."""

    def __init__(self, op: MkdirOp, vertex: Vertex, inputs: Inputs, runtime: Runtime) -> None:
        self._op = op
        self._inputs = inputs
        self._runtime = runtime
        self._report = runtime.reporter(vertex)
        self._preimages: dict[bytes, bytes] = {}
        self._base: Tree | None = None

    def key(self, *, fetch: bool) -> CacheKey | None:
        """Return the key: the path, and what the base has there."""
        name = self._runtime.stacks.digest(self._inputs.base)
        selector = selector_digest("destination", self._op)
        digest = self._runtime.drivers.kept.memo.find(name, selector)
        if digest is None:
            if not fetch and not self._runtime.stacks.is_here(self._inputs.base.layers):
                return None
            digest = self._examine().digest(self._preimages)
            if not may_not_be_kept(self._base):
                self._runtime.drivers.kept.memo.keep(name, selector, digest)
        return mkdir_key(self._op, digest, self._preimages)

    def origins_name(self, _key: CacheKey) -> str:
        """Return nothing: what it makes is its own."""
        return ""

    def origins(self) -> bytes | None:
        """Return None, as above."""
        return None

    def execute(self) -> LayerInfo:
        """Write the layer and commit it; it is empty when the directory exists."""
        from jettison.copier.mkdir import write_directory  # seldom needed

        layer_store = self._runtime.drivers.layer_store
        with making(layer_store) as active:
            now_ns = time.time_ns()
            destination, ownership = self._examine(), self._runtime.drivers.ownership
            write_directory(destination, active.upper, ownership, created_ns=now_ns)
            return layer_store.commit(active, Change(clock_ns=now_ns))

    def _examine(self) -> Destination:
        from jettison.copier.destination import examine  # memoised, mostly

        self._base = self._runtime.stacks.browse(self._inputs.base, self._report)
        return examine(self._op, self._base)

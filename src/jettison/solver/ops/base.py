"""What the executor of an op can do, whatever the op.

An executor answers two questions: what is the key of a vertex now that its inputs are solved,
and, when no record has that key, what layer does it make.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

import msgspec

from jettison.cache.key import CacheKey
from jettison.fs.tree import Tree
from jettison.oci.digest import Digest
from jettison.plan.op import ExecOp, MountType
from jettison.plan.vertex import Vertex
from jettison.snapshot.base import ActiveSnapshot, LayerInfo, LayerStore
from jettison.solver.result import Result, StackResult
from jettison.solver.root_layers import RootLayers
from jettison.solver.runtime import Runtime
from jettison.store.layer import Stack


class Inputs(msgspec.Struct, frozen=True):
    """The solved inputs of one vertex: its base and what it reads by index."""

    base: RootLayers
    results: tuple[Result, ...]


class Executor(Protocol):
    """Solves one vertex; made for it, used by one thread at a time."""

    def key(self, *, fetch: bool) -> CacheKey | None:
        """Return the vertex's cache key.

        Args:
            fetch: Whether layers may be fetched and unpacked to find it; without that the
                answer is None when files are needed that are not here.
        """
        ...

    def origins_name(self, key: CacheKey) -> str:
        """Return under which name the origins of its files are kept; empty for no COPY.

        Args:
            key: From ``key``.
        """
        ...

    def origins(self) -> bytes | None:
        """Return where its files came from (``provenance.origin``), None if that is not known."""
        ...

    def execute(self) -> LayerInfo:
        """Make the layer. ``key`` was called before."""
        ...


@contextmanager
def making(layer_store: LayerStore, below: Stack = ()) -> Iterator[ActiveSnapshot]:
    """Prepare an active snapshot for a block that ends by committing it; else it is discarded.

    Args:
        layer_store: Who keeps layers.
        below: See ``LayerStore.prepare``.
    """
    active = layer_store.prepare(below)
    try:
        yield active
    except BaseException:
        layer_store.discard(active)
        raise


def inputs_of(vertex: Vertex, results: Mapping[Digest, Result]) -> Inputs:
    """Return the solved inputs of a vertex."""
    base = RootLayers()
    if vertex.base is not None:
        result = results[vertex.base]
        base = result.root if isinstance(result, StackResult) else base
    return Inputs(base=base, results=tuple(results[each] for each in vertex.inputs))


def all_here(results: tuple[Result, ...], runtime: Runtime) -> bool:
    """Tell whether the files of all results can be read without fetching anything."""
    return all(
        runtime.stacks.is_here(result.stack)
        for result in results
        if isinstance(result, StackResult)
    )


def sees_secrets(op: ExecOp) -> bool:
    """Tell whether a RUN can see secrets: its own, or those that a cache mount holds."""
    return any(mount.type in {MountType.SECRET, MountType.CACHE} for mount in op.mounts)


def may_not_be_kept(tree: Tree | None) -> bool:
    """Tell whether an answer must not be kept under the names of a tree's layers.

    See ``snapshot.outlined.OutlinedTree.by_table``.
    """
    return bool(getattr(tree, "by_table", False))

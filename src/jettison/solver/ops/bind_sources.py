"""What the mounts of a RUN select: the part of them that counts for its key.

In:  ``ExecMount`` values and the results they name.
Out: digests for the key; what to mount is made of them when the step runs (``solver.ops.mounts``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from jettison.cache.key import selector_digest
from jettison.errors import ContextError
from jettison.events import Progress
from jettison.fs.resolve import resolve
from jettison.fs.tree import Tree
from jettison.oci.digest import Digest
from jettison.plan.op import CopyOp, CopySource, ExecMount
from jettison.solver.result import Result, TreeResult
from jettison.solver.runtime import Runtime

if TYPE_CHECKING:
    from jettison.copier.select import Selection


class BindSource(msgspec.Struct, frozen=True):
    """Files that a mount selects.

    ``selection`` is kept for contexts, which are copied; ``preimages`` as in ``CacheKey``.
    """

    digest: Digest
    result: Result
    selection: Selection | None = None
    preimages: Mapping[bytes, bytes] = {}


def bind_source(
    mount: ExecMount, result: Result, runtime: Runtime, report: Progress, *, fetch: bool
) -> BindSource | None:
    """Return what a mount with an input selects; None when that cannot be known without fetching.

    Raises:
        ContextError: there is nothing at the mount's source.
    """
    kept: dict[bytes, bytes] = {}
    if isinstance(result, TreeResult):
        from jettison.copier.select import select  # a step without mounts needs none

        selection = select(selecting(mount.source), (result.tree,))
        return BindSource(selection.digest(kept), result, selection, kept)
    name = runtime.stacks.digest(result.root)
    if mount.source == "/":
        return BindSource(name, result)
    selector = selector_digest("mount", mount.source)
    digest = runtime.drivers.kept.memo.find(name, selector)
    if digest is None:
        if not fetch and not runtime.stacks.is_here(result.stack):
            return None
        from jettison.copier.select import select

        tree = runtime.stacks.tree(result.root, report)
        selected_path(tree, mount.source)
        digest = select(selecting(mount.source), (tree,)).digest(kept)
        runtime.drivers.kept.memo.keep(name, selector, digest)
    return BindSource(digest, result, preimages=kept)


def selecting(source: str) -> CopyOp:
    """Return the COPY that selects what a mount shows."""
    return CopyOp(sources=(CopySource(path=source, input=0),), dest="/", from_image=True)


def selected_path(tree: Tree, source: str) -> str:
    """Return the path that a mount's source leads to, through links, inside its tree.

    Raises:
        ContextError: there is nothing.
    """
    path = resolve(tree, source)
    if tree.lstat(path) is None:
        raise ContextError(f'failed to compute cache key: "{source}": not found')
    return path

"""COPY and ADD: files of contexts, stages and downloads become a layer.

The key holds what is selected and the few facts about the base that matter, so a COPY stays
cached when its base or its source changed elsewhere. Both digests are memoised for stacks,
which never change: a cached COPY of a stage reads no file.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from jettison.cache.key import CacheKey, copy_key, selector_digest
from jettison.copier.select import Selection, literal_prefix, prepare, select
from jettison.fs.tree import Tree
from jettison.oci.digest import Digest
from jettison.plan.op import CopyOp
from jettison.plan.vertex import Vertex
from jettison.snapshot.base import Change, LayerInfo
from jettison.solver.ops.base import Inputs, all_here, making, may_not_be_kept
from jettison.solver.result import Result, StackResult
from jettison.solver.runtime import Runtime

if TYPE_CHECKING:
    from jettison.copier.destination import Destination
    from jettison.copier.reuse import PreviousLayer


class CopyExecutor:
    """Solves one COPY or ADD."""

    def __init__(self, op: CopyOp, vertex: Vertex, inputs: Inputs, runtime: Runtime) -> None:
        self._op = op
        self._vertex = vertex
        self._inputs = inputs
        self._runtime = runtime
        self._report = runtime.reporter(vertex)
        self._selection: Selection | None = None
        self._selection_digest: Digest | None = None
        self._planned: Destination | None = None
        self._base: Tree | None = None
        self._key: CacheKey | None = None
        self._read: tuple[object, ...] = ()
        self._preimages: dict[bytes, bytes] = {}

    def key(self, *, fetch: bool) -> CacheKey | None:
        """Return the key: the op, what it selects, what it finds at its destination."""
        selected = self._selected(fetch=fetch)
        if selected is None:
            return None
        destination = self._destination(selected, fetch=fetch)
        if destination is not None:
            self._key = copy_key(self._op, selected, destination, self._preimages)
        return self._key

    def origins_name(self, key: CacheKey) -> str:
        """Return the name of the origins: equal files may be found in other places."""
        return selector_digest("origins", key.digest, self._read)

    def origins(self) -> bytes | None:
        """Return where the files came from, in stored form; None if files are not here.

        Raises:
            JettisonError: a file cannot be read.
        """
        here = self._runtime.stacks.is_here(self._inputs.base.layers)
        if not here or not all_here(self._inputs.results, self._runtime):
            return None
        from jettison.copier.origins import copy_origins  # kept, mostly
        from jettison.provenance.origin import encode_origins

        return encode_origins(copy_origins(self._select(), self._examine()))

    def execute(self) -> LayerInfo:
        """Write the layer and commit it, and keep where its files came from."""
        from jettison.copier.origins import copy_origins
        from jettison.copier.write import write  # a cached build writes nothing
        from jettison.provenance.origin import encode_origins

        runtime = self._runtime
        selection, destination = self._select(), self._examine()
        prepare(selection)
        with making(runtime.drivers.layer_store) as active:
            now_ns = time.time_ns()
            known = write(
                destination,
                active.upper,
                runtime.drivers.ownership,
                created_ns=now_ns,
                link=all(_is_immutable(each) for each in self._inputs.results),
                previous=self._previous(),
            )
            runtime.cancellation.check()
            if destination.same.paths:
                self._leave_out(destination, active.upper, known, now_ns)
            clock_ns = selection.clock_ns(now_ns, destination.archives)
            info = runtime.commit(self._vertex, active, Change(known, clock_ns=clock_ns))
        if self._key is not None:
            origins = encode_origins(copy_origins(selection, destination))
            runtime.drivers.kept.origins.keep(self.origins_name(self._key), origins)
        return info

    def _leave_out(
        self, destination: Destination, upper: Path, known: dict[str, bytes], now_ns: int
    ) -> None:
        """Take out of the layer what the base has just so, and out of what is known of files."""
        from jettison.snapshot.unchanged import leave_out_unchanged  # seldom

        base = self._runtime.stacks.browse(self._inputs.base, self._report)
        ownership = self._runtime.drivers.ownership
        only = frozenset(destination.same.paths)
        for path in leave_out_unchanged(upper, ownership, base, now_ns, only):
            known.pop(path[1:], None)
            known.pop(path.rpartition("/")[0][1:] + "/", None)

    def _previous(self) -> PreviousLayer | None:
        """Return the layer that the last build made of this instruction, if it is worth a look."""
        from jettison.copier.reuse import PreviousLayer  # as in ``execute``

        layer = self._runtime.drivers.kept.records.latest(self._vertex.digest)
        digests = self._runtime.drivers.layer_store.digests(layer) if layer is not None else {}
        if layer is None or not digests:
            return None
        return PreviousLayer(os.fspath(self._runtime.drivers.layer_store.directory(layer)), digests)

    def _selected(self, *, fetch: bool) -> Digest | None:
        roots = [r.root for r in self._inputs.results if isinstance(r, StackResult)]
        if len(roots) < len(self._inputs.results):
            # Contexts change without notice: they are looked at each time.
            if not fetch and not all_here(self._inputs.results, self._runtime):
                return None
            selected = self._digest()
            found = self._select().sources
            self._read = tuple((each.input, os.fsencode(each.root)) for each in found)
            return selected
        name = selector_digest("inputs", [self._runtime.stacks.digest(root) for root in roots])
        self._read = (name,)
        selector = selector_digest("selected", self._op)
        digest = self._runtime.drivers.kept.memo.find(name, selector)
        if digest is None:
            if not fetch and not all_here(self._inputs.results, self._runtime):
                return None
            digest = self._digest()
            if not any(may_not_be_kept(each.tree) for each in self._select().sources):
                self._runtime.drivers.kept.memo.keep(name, selector, digest)
        return digest

    def _destination(self, selected: Digest, *, fetch: bool) -> Digest | None:
        name = self._runtime.stacks.digest(self._inputs.base)
        selector = selector_digest("destination", self._op, selected)
        digest = self._runtime.drivers.kept.memo.find(name, selector)
        if digest is None:
            here = self._runtime.stacks.is_here(self._inputs.base.layers)
            if not fetch and not (here and all_here(self._inputs.results, self._runtime)):
                return None
            digest = self._examine().digest(self._preimages)
            if may_not_be_kept(self._base):
                return digest
            self._runtime.drivers.kept.memo.keep(name, selector, digest)
        return digest

    def _select(self) -> Selection:
        if self._selection is None:
            trees = [self._tree(number) for number in range(len(self._inputs.results))]
            self._selection = select(self._op, trees)
        return self._selection

    def _digest(self) -> Digest:
        if self._selection_digest is None:
            selection = self._select()
            prepare(selection, digests_only=True)
            self._selection_digest = selection.digest(self._preimages)
        return self._selection_digest

    def _tree(self, number: int) -> Tree:
        """Return the files of an input; of an image only what is read of it."""
        result = self._inputs.results[number]
        if not isinstance(result, StackResult):
            return result.tree
        paths = [each.path for each in self._op.sources if each.input == number]
        wanted = [literal_prefix(path) for path in paths]
        return self._runtime.stacks.browse(result.root, self._report, wanted=wanted)

    def _examine(self) -> Destination:
        if self._planned is None:
            from jettison.copier.destination import examine  # memoised, mostly

            self._base = self._runtime.stacks.browse(self._inputs.base, self._report)
            self._planned = examine(self._op, self._base, self._select())
        return self._planned


def _is_immutable(result: Result) -> bool:
    """Tell whether files may be hard-linked into the layer: nobody ever writes them again."""
    return isinstance(result, StackResult) or result.immutable

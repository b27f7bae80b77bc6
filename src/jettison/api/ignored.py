"""Whether an ignore file leaves nothing of what a COPY or ADD names.

In:  a build context, sources as they are written, after expansion.
Out: answers, by the files that are there; by the patterns alone where there are none.

A source is *hidden* when the ignore file excludes all that it names: a file, a directory with all
below it, every match of a pattern, or, for the context as a whole, everything in it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cached_property

from jettison.copier.select import select
from jettison.errors import ContextError
from jettison.fs.glob import clean_path, has_wildcard
from jettison.plan.graph import Plan
from jettison.plan.op import CopyOp, CopySource, ExecOp, LocalOp
from jettison.source.context import MAIN, BuildContext
from jettison.source.local import LocalTree


class Ignored:
    """Knows what the ignore file of a build context hides.

    Args:
        context: The context.
    """

    def __init__(self, context: BuildContext) -> None:
        self._tree = context.tree(MAIN)
        self._matcher = self._tree.ignored
        self._negates = any(each.startswith("!") for each in context.ignore_file().patterns)

    def __bool__(self) -> bool:
        return self._matcher is not None

    def hides(self, source: str) -> bool:
        """Tell whether a source is hidden."""
        if self._matcher is None or not source:
            return False
        path = clean_path("/" + source)
        if path == "/":
            return not self._tree.names(path) and bool(self._everything.names(path))
        if has_wildcard(path):
            return self._hides_matches(path)
        if not self._matcher.matches(path[1:]) or self._tree.lstat(path) is not None:
            return False
        is_there = os.path.lexists(f"{self._tree.root}{path}")
        return is_there or self._matcher.selects_all(path[1:])

    def hidden(self, plan: Plan) -> Iterator[tuple[str, bool]]:
        """Yield the sources of a plan that are in the context, and whether they are hidden."""
        if self._matcher is None:
            return
        local = {v.digest for v in plan.vertices if v.op == LocalOp(MAIN)}
        for vertex in plan.vertices:
            if isinstance(vertex.op, ExecOp):
                for mount in vertex.op.mounts:
                    if mount.input is not None and vertex.inputs[mount.input] in local:
                        yield mount.source, self.hides(mount.source)
            if isinstance(vertex.op, CopyOp):
                for source in vertex.op.sources:
                    if source.input is not None and vertex.inputs[source.input] in local:
                        yield source.path, self.hides(source.path)

    @cached_property
    def _everything(self) -> LocalTree:
        """The context without its ignore file."""
        return LocalTree(self._tree.root)

    def _hides_matches(self, pattern: str) -> bool:
        if _matches(self._tree, pattern):
            return False
        if _matches(self._everything, pattern):
            return True
        return not self._negates and bool(self._matcher and self._matcher.matches(pattern[1:]))


def _matches(tree: LocalTree, pattern: str) -> bool:
    op = CopyOp((CopySource(path=pattern, input=0),), "/")
    try:
        return bool(select(op, (tree,)).sources)
    except ContextError:
        return False

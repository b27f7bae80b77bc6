"""Why a source of COPY or ADD was not found, and what may have been meant.

In:  the op, the tree, the path that is not there.
Out: ``ContextError`` whose hint names the ignore file's pattern or similar names.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from jettison.errors import Cause, ContextError
from jettison.fs.resolve import resolve
from jettison.fs.tree import Tree
from jettison.plan.op import CopyOp


@runtime_checkable
class IgnoringTree(Protocol):
    """A tree that hides files and knows why: a build context."""

    def ignored_by(self, path: str) -> str | None:
        """Return the pattern of the ignore file that hides a path, or None."""
        ...


_MANY_NAMES = 5_000
_MOST = 3


def missing_source(op: CopyOp, tree: Tree, path: str) -> ContextError:
    """Return the error for a path that is not in a tree."""
    place = "the stage or image it is copied from" if op.from_image else "the build context"
    hint: str | None = None
    cause: Cause | None = None
    if isinstance(tree, IgnoringTree):
        pattern = tree.ignored_by(path)
        if pattern is not None:
            hint = f"add `!{path[1:]}` after that rule"
            what = f"the ignore file excludes it with `{pattern}`"
            cause = Cause("hidden-by-ignore-file", what, fix=hint)
    if hint is None:
        near = _near(tree, path)
        if near:
            hint = "did you mean " + " or ".join(f"`{each}`" for each in near) + "?"
    error = ContextError(f"`{path}` not found in {place}", hint=hint)
    error.cause = cause
    return error


def _near(tree: Tree, path: str) -> list[str]:
    """Return up to three paths that look like a path: in its directory, or of its name."""
    from jettison.spelling import near_misses  # only for messages

    present = ""
    for component in path[1:].split("/"):
        try:
            directory = resolve(tree, present or "/")
        except OSError:
            return []
        names = tree.names(directory)
        if component not in names or tree.lstat(f"{directory.rstrip('/')}/{component}") is None:
            lower = {name.lower(): name for name in names[:_MANY_NAMES]}
            close = near_misses(component.lower(), lower)
            return [f"{present}/{lower[each]}" for each in close[:_MOST]]
        present += "/" + component
    return []

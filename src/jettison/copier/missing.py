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
_MANY_ENTRIES = 50_000
_MOST = 3
_SHOWN = 8
_NO_FILES = frozenset({"/proc", "/sys", "/dev"})


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
        if not near and op.from_image:
            near = _of_that_name(tree, path)
        if near:
            hint = "did you mean " + " or ".join(f"`{each}`" for each in near) + "?"
        elif op.from_image:
            hint = _what_is_there(tree, path)
    error = ContextError(f"`{path}` not found in {place}", hint=hint)
    error.cause = cause
    return error


def _of_that_name(tree: Tree, path: str) -> list[str]:
    """Return up to three paths elsewhere that end as a path does, the shortest first.

    So many entries are looked at as take a fraction of a second, those near the root first.
    """
    name = path.rpartition("/")[2]
    found: list[str] = []
    left = _MANY_ENTRIES
    level = [""]
    while level and left > 0 and not found:
        below: list[str] = []
        for directory in level:
            try:
                names = tree.names(directory or "/")
            except OSError:
                continue
            left -= len(names)
            if left <= 0:
                break
            for each in names:
                place = f"{directory}/{each}"
                st = tree.lstat(place)
                if each == name and st is not None:
                    found.append(place)
                if st is not None and st.is_dir and place not in _NO_FILES:
                    below.append(place)
        level = below
    return sorted(found)[:_MOST]


def _what_is_there(tree: Tree, path: str) -> str | None:
    """Return what the deepest directory has that is on the way to a path."""
    present = path
    while present:
        present = present.rpartition("/")[0]
        try:
            place = resolve(tree, present or "/")
            st = tree.lstat(place)
            if present and (st is None or not st.is_dir):
                continue
            names = sorted(tree.names(place))
        except OSError:
            continue
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        what = ", ".join(f"`{name}`" for name in names[:_SHOWN]) or "nothing"
        return f"`{present or '/'}` has {what}{more}"
    return None


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

"""All paths of a tree, and those that somebody names.

In:  a tree; paths and patterns as users write them.
Out: paths with their stat results, a directory before what is in it.

A path is resolved as if the root of the tree were ``/`` but for its last component; one with
wildcards is a pattern of an ignore file behind the directory that it begins with. Either means all
below it, too.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence

from jettison.errors import PathNotFoundError, UsageError
from jettison.fs.glob import PatternError, clean_path, has_wildcard
from jettison.fs.pattern import PatternMatcher
from jettison.fs.resolve import resolve
from jettison.fs.tree import FileStat, Tree


def walk_tree(tree: Tree, below: str = "/") -> Iterator[tuple[str, FileStat]]:
    """Yield all paths below a directory, parents first, names in the order of their bytes.

    Sockets, which no image can have, are left out.
    """
    base = below.rstrip("/")
    pending = [iter([f"{base}/{name}" for name in tree.names(below)])]
    while pending:
        path = next(pending[-1], None)
        if path is None:
            pending.pop()
            continue
        st = tree.lstat(path)
        if st is None or stat.S_ISSOCK(st.mode):
            continue
        yield path, st
        if st.is_dir:
            pending.append(iter([f"{path}/{name}" for name in tree.names(path)]))


def find_path(tree: Tree, text: str, name: str, *, follow: bool = True) -> str:
    """Return where a path leads that must be there.

    Args:
        tree: It.
        text: As written; it begins at the root.
        name: What the tree is of, for messages.
        follow: Whether a link as last component is followed.

    Raises:
        PathNotFoundError: there is nothing, or links lead in a cycle; its hint names what is near.
    """
    try:
        path = resolve(tree, text, follow_last=follow)
    except OSError as error:
        raise PathNotFoundError(
            f"`{text}` of `{name}` leads through too many links: {os.strerror(error.errno or 0)}"
        ) from error
    if tree.lstat(path) is not None:
        return path
    wanted = clean_path("/" + text)
    through = "" if wanted == path else f": it leads to `{path}`"
    raise PathNotFoundError(f"`{name}` has no `{text}`{through}", hint=_near(tree, path, name))


def select_paths(
    tree: Tree, texts: Sequence[str], name: str
) -> Iterator[tuple[str, FileStat, int]]:
    """Yield what is named, and all below it, each once, with how deep it is below its name.

    Args:
        tree: It.
        texts: Paths and patterns; the whole tree without its root if there are none.
        name: What the tree is of, for messages.

    Raises:
        PathNotFoundError: a path is not there, or nothing fits a pattern.
        UsageError: a pattern cannot be read.
    """
    seen: set[str] = set()
    several = len(texts) > 1
    for text in texts or ("/",):
        for path, st, depth in _selected(tree, text, name):
            if several:
                if path in seen:
                    continue
                seen.add(path)
            yield path, st, depth


def _selected(tree: Tree, text: str, name: str) -> Iterator[tuple[str, FileStat, int]]:
    if has_wildcard(text):
        try:
            path = find_path(tree, text, name, follow=False)  # it may be a name
        except PathNotFoundError:
            yield from _matching(tree, text, name)
            return
    else:
        path = find_path(tree, text, name, follow=text.endswith("/"))
    st = tree.lstat(path)
    if st is not None and path != "/":
        yield path, st, 0
    if st is not None and st.is_dir:
        for inner, found in walk_tree(tree, path):
            yield inner, found, _depth(inner) - _depth(path)


def _matching(tree: Tree, text: str, name: str) -> Iterator[tuple[str, FileStat, int]]:
    """Yield what fits a pattern: only the directory that it begins with is looked through."""
    parts = [part for part in text.split("/") if part]
    fixed = next(number for number, part in enumerate(parts) if has_wildcard(part))
    start = find_path(tree, "/" + "/".join(parts[:fixed]), name)
    pattern = "/".join(parts[fixed:])
    try:
        matcher = PatternMatcher((f"\\{pattern}" if pattern.startswith("!") else pattern,))
    except PatternError as error:
        raise UsageError(f"`{text}` is no pattern: {error}") from error
    root = start.rstrip("/")
    top = None
    for path, st in walk_tree(tree, start):
        if not matcher.matches(path[len(root) + 1 :]):
            continue
        if top is None or not path.startswith(f"{top}/"):
            top = path
        yield path, st, _depth(path) - _depth(top)
    if top is None:
        raise PathNotFoundError(f"nothing of `{name}` fits `{text}`")


def _depth(path: str) -> int:
    return 0 if path == "/" else path.count("/")


def _near(tree: Tree, path: str, name: str) -> str:
    """Return the hint about a path that is not there: what its directory has that is alike."""
    from jettison.spelling import near_misses

    parent, _, last = path.rpartition("/")
    while parent and tree.lstat(parent) is None:
        parent, _, last = parent.rpartition("/")
    near = near_misses(last, tree.names(parent or "/"))
    if near:
        return f"did you mean `{parent}/{near[0]}`?"
    return f"`jettison ls-files {name} {parent or '/'}` lists what is there"

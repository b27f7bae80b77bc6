"""The files of a source: what is below a directory of a tree, but for what patterns leave out.

In:  a tree, a path in it without links, ``Rules``.
Out: ``SourceEntry`` for each file, parents before what they hold.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Mapping
from functools import partial

import msgspec

from jettison.copier.mode import ModeChange
from jettison.fs.pattern import PatternMatcher
from jettison.fs.tree import FileStat, Scanned, Scanning, Tree


class SourceEntry(msgspec.Struct, frozen=True, gc=False):
    """One file to be copied.

    Args:
        path: Below the source: empty for the source itself, else ``a/b``.
        origin: Path in the source's tree.
        stat: What it is there.
        mode: Type and permission bits that it will have; ``--chmod`` is applied.
        target: Of a symbolic link.
        xattrs: That belong to images.
        leader: Index (in the source's entries) of the first name of the same inode; -1 for it.
        implied: A directory that was not asked for, made because of what is below it.
    """

    path: str
    origin: str
    stat: FileStat
    mode: int
    target: str = ""
    xattrs: dict[str, bytes] = {}
    leader: int = -1
    implied: bool = False


class Rules(msgspec.Struct, frozen=True):
    """What becomes of the files of a source.

    Args:
        change: ``--chmod``.
        include: What is taken; None is everything.
        exclude: What is left out of that.
    """

    change: ModeChange | None = None
    include: PatternMatcher | None = None
    exclude: PatternMatcher | None = None

    @property
    def take_all(self) -> bool:
        """Whether all files are taken."""
        return self.include is None and self.exclude is None

    @property
    def change_nothing(self) -> bool:
        """Whether all files are taken as they are."""
        return self.take_all and self.change is None


def entries_of(tree: Tree, root: str, rules: Rules) -> list[SourceEntry]:
    """Return a source and what is below it, but for what patterns leave out.

    Args:
        tree: Where it is.
        root: Its path, without links.
        rules: Patterns and ``--chmod``.

    Raises:
        OSError: something cannot be read.
    """
    st = tree.lstat(root)
    if st is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), root)
    builder = _Builder(tree, rules.change)
    builder.add("", root, st)
    if not st.is_dir:
        return builder.entries
    base = root.rstrip("/")
    if rules.take_all:
        for path, found, plain in _walk(tree, base):
            builder.add(path, f"{base}/{path}", found, plain=plain)
        return builder.entries
    implied: list[tuple[str, FileStat]] = []
    for path, found, selected in _filtered_walk(tree, base, rules.include, rules.exclude):
        while implied and not path.startswith(implied[-1][0] + "/"):
            implied.pop()
        if not selected:
            implied.append((path, found))
            continue
        for parent, parent_stat in implied:
            if parent not in builder.made:
                builder.add(parent, f"{base}/{parent}", parent_stat, implied=True)
        builder.add(path, f"{base}/{path}", found)
    return builder.entries


class _Builder:
    """Collects entries of one source."""

    def __init__(self, tree: Tree, change: ModeChange | None) -> None:
        self.entries: list[SourceEntry] = []
        self.made: set[str] = set()
        self._tree = tree
        self._apply = change.apply if change is not None else None
        self._inodes: dict[tuple[int, int], int] = {}

    def add(
        self,
        path: str,
        origin: str,
        st: FileStat,
        *,
        implied: bool = False,
        plain: bool = False,
    ) -> None:
        """Append a file; a ``plain`` one is known to have no extended attributes."""
        mode = st.mode
        if plain and st.nlink == 1 and self._apply is None and stat.S_ISREG(mode):
            self.entries.append(SourceEntry(path, origin, st, mode))  # most files: in half the time
            return
        leader = -1
        if st.nlink > 1 and st.is_file:
            leader = self._inodes.setdefault(st.identity, len(self.entries))
            leader = -1 if leader == len(self.entries) else leader
        entry = entry_of(self._tree, path, origin, st, plain=plain, leader=leader)
        mode = entry.mode if self._apply is None else self._apply(entry.mode)
        if implied or mode != entry.mode:
            entry = msgspec.structs.replace(entry, mode=mode, implied=implied)
        if implied:
            self.made.add(path)
        self.entries.append(entry)


def entry_of(
    tree: Tree, path: str, origin: str, st: FileStat, *, plain: bool = False, leader: int = -1
) -> SourceEntry:
    """Return the entry of one file as it is; arguments as for ``SourceEntry``.

    Raises:
        OSError: it cannot be read.
    """
    mode, target = st.mode, ""
    xattrs: dict[str, bytes] = {}
    kind = stat.S_IFMT(mode)
    if kind in {stat.S_IFREG, stat.S_IFDIR}:
        if not plain:
            xattrs = tree.xattrs(origin)
    elif kind == stat.S_IFLNK:
        target = tree.readlink(origin)
    elif kind == stat.S_IFSOCK:
        # A layer cannot hold a socket; BuildKit leaves an empty file in its place.
        mode = stat.S_IFREG | stat.S_IMODE(mode)
    return SourceEntry(path, origin, st, mode, target, xattrs, leader)


def _walk(tree: Tree, base: str) -> Iterator[tuple[str, FileStat, bool]]:
    """Yield all that is below a directory, parents first, names in the order of their bytes."""
    scan = tree.scan if isinstance(tree, Scanning) else partial(_scan, tree)
    pending = [(iter(scan(base or "/")), "")]
    while pending:
        names, parent = pending[-1]
        for name, st, plain in names:
            path = parent + name
            yield path, st, plain
            if stat.S_ISDIR(st.mode):
                pending.append((iter(scan(f"{base}/{path}")), path + "/"))
                break
        else:
            pending.pop()


def _scan(tree: Tree, path: str) -> Iterator[Scanned]:
    """Yield what is in a directory of any tree."""
    below = path.rstrip("/")
    for name in tree.names(path):
        st = tree.lstat(f"{below}/{name}")
        if st is not None:
            yield name, st, False


def _filtered_walk(
    tree: Tree, base: str, include: PatternMatcher | None, exclude: PatternMatcher | None
) -> Iterator[tuple[str, FileStat, bool]]:
    """Yield what patterns select, and directories (with False) that may hold such files."""
    pending = [(name, "", 0, 0) for name in reversed(tree.names(base or "/"))]
    while pending:
        name, parent, included, excluded = pending.pop()
        path = parent + name
        st = tree.lstat(f"{base}/{path}")
        if st is None:
            continue
        selected = descend = True
        if include is not None:
            included = include.step(path, included)
            selected = include.selects(included)
            descend = selected or include.may_change_below(path, included)
        if exclude is not None:
            excluded = exclude.step(path, excluded)
            if exclude.selects(excluded):
                selected = False
                descend = descend and exclude.may_change_below(path, excluded)
        if not st.is_dir:
            if selected:
                yield path, st, True
        elif selected or descend:
            yield path, st, selected
            below = path + "/"
            names = reversed(tree.names(f"{base}/{path}"))
            pending += [(each, below, included, excluded) for each in names]


def encoded_name(name: str) -> bytes:
    """Return a name as the host has it; what ``os.fsencode`` does, in a third of the time."""
    return name.encode("utf-8", "surrogateescape")


def encoded_xattrs(xattrs: Mapping[str, bytes]) -> list[tuple[bytes, bytes]]:
    """Return attributes as a digest takes them; names need not be UTF-8."""
    return [(encoded_name(name), value) for name, value in sorted(xattrs.items())]

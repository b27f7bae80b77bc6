"""What a COPY or ADD takes: files of trees, found by patterns.

In:  ``CopyOp`` and the trees that its sources name by index.
Out: ``Selection``: every file with the mode it will have, and a digest of all that does not look at
     what the files are copied onto.

A directory named as source stands for what is in it. A link named as source (or as part of its
path) is followed inside the tree's root; links below a copied directory are copied as links.

Source: Dockerfile reference, COPY and ADD; BuildKit's behaviour as its tests pin it.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import msgspec

from jettison.copier.missing import missing_source
from jettison.copier.mode import ModeChange, parse_mode
from jettison.errors import ContextError, FrontendError
from jettison.fs.pattern import PatternError, PatternMatcher, clean_path, has_wildcard, name_pattern
from jettison.fs.resolve import resolve
from jettison.fs.tree import FileStat, Scanned, Scanning, Tree
from jettison.oci.digest import Digest, sha256_digest
from jettison.plan.op import CopyOp, CopySource

SELECTION_VERSION = b"jettison-selection-1\0"
_INLINE_MODE = stat.S_IFREG | 0o644


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One file to be copied.

    Args:
        path: Below the source: empty for the source itself, else ``a/b``.
        origin: Path in the source's tree.
        facts: What it is there.
        mode: Type and permission bits that it will have; ``--chmod`` is applied.
        target: Of a symbolic link.
        xattrs: That belong to images.
        leader: Index (in the source's entries) of the first name of the same inode; -1 for it.
        implied: A directory that was not asked for, made because of what is below it.
    """

    path: str
    origin: str
    facts: FileStat
    mode: int
    target: str = ""
    xattrs: dict[str, bytes] = {}
    leader: int = -1
    implied: bool = False


class Selected(msgspec.Struct, frozen=True):
    """One source path, after wildcards: its entries, parents before what they hold.

    Args:
        name: File name in a destination directory.
        tree: Where the entries are; None for an inline file, which is ``content``.
        unpack: Whether it is unpacked if it is an archive.
        mode: Of an inline file.
    """

    name: str
    tree: Tree | None
    entries: Sequence[Entry] = ()
    unpack: bool = False
    content: bytes = b""
    mode: int = _INLINE_MODE

    @property
    def is_dir(self) -> bool:
        """Whether the source is a directory, so that its contents are copied."""
        return bool(self.entries) and stat.S_ISDIR(self.entries[0].mode)


class Selection(msgspec.Struct, frozen=True):
    """All that an op copies, in the order in which later files replace earlier ones."""

    sources: tuple[Selected, ...]
    keeps_owner: bool

    def digest(self) -> Digest:
        """Return the content digest: paths, types, effective modes, owners, bytes; no mtimes.

        Owners count only where they are kept, modes as ``--chmod`` makes them. The attributes of
        a directory that was named as source do not count: only its contents are copied.

        Raises:
            ContextError: a file cannot be read any more.
        """
        records = [_source_record(each, self.keeps_owner) for each in self.sources]
        return sha256_digest(SELECTION_VERSION + msgspec.msgpack.encode(records))


def select(op: CopyOp, trees: Sequence[Tree]) -> Selection:
    """Find the files that an op copies.

    Args:
        op: The COPY or ADD.
        trees: By ``CopySource.input``.

    Raises:
        ContextError: a source is missing or cannot be read.
        FrontendError: ``--chmod`` or an ``--exclude`` pattern is malformed.
    """
    change = parse_mode(op.mode) if op.mode is not None else None
    exclude = _matcher(op.exclude)
    sources: list[Selected] = []
    for source in op.sources:
        if source.input is None:
            mode = change.apply(_INLINE_MODE) if change else _INLINE_MODE
            sources.append(Selected(source.name, None, content=source.content, mode=mode))
            continue
        tree = trees[source.input]
        unpack = op.unpack if source.unpack is None else source.unpack
        try:
            pattern, include = _parents(source.path) if op.parents else (source.path, None)
            required = op.parents and not has_wildcard(source.path)
            if required and _follow(tree, source.path) is None:
                raise missing_source(op, tree, clean_path("/" + source.path))
            for path in _matches(tree, pattern):
                root = _follow(tree, path)
                if root is None:
                    raise missing_source(op, tree, path)
                entries = _entries(tree, root, change, include, exclude)
                name = path.rpartition("/")[2]
                sources.append(Selected(name, tree, entries, unpack=bool(unpack)))
        except OSError as error:
            raise _unreadable(source, error) from error
    return Selection(tuple(sources), keeps_owner=op.owner is None)


def _matcher(patterns: Sequence[str]) -> PatternMatcher | None:
    if not patterns:
        return None
    try:
        return PatternMatcher(patterns)
    except PatternError as error:
        raise FrontendError(f"invalid exclude patterns: {error}") from error


def _parents(text: str) -> tuple[str, PatternMatcher | None]:
    """Split a source of ``--parents`` at its pivot: what stays behind, what is recreated."""
    root, pivot, pattern = text.partition("/./")
    if not pivot:
        root, pattern = "/", text
    pattern = clean_path("/" + pattern)[1:]
    return root, _matcher((pattern,)) if pattern else None


def _matches(tree: Tree, pattern: str) -> Iterator[str]:
    """Yield the paths that a pattern names, in the order of their names, links not followed.

    A pattern without wildcards is yielded as it is; one that matches nothing yields nothing.
    """
    components = clean_path("/" + pattern)[1:].split("/")
    fixed = next((i for i, each in enumerate(components) if has_wildcard(each)), len(components))
    prefix = "/" + "/".join(components[:fixed])
    if fixed == len(components):
        yield prefix
        return
    expressions = [name_pattern(each) for each in components[fixed:]]
    base = resolve(tree, prefix).rstrip("/")
    pending = [(base, 0)]
    while pending:
        path, depth = pending.pop()
        if depth == len(expressions):
            yield path
            continue
        expression = expressions[depth]
        if expression is not None:
            names = [name for name in tree.names(path or "/") if expression.fullmatch(name)]
            pending += [(f"{path}/{name}", depth + 1) for name in reversed(names)]


def _follow(tree: Tree, path: str) -> str | None:
    """Return where a path leads, or None when nothing is there."""
    resolved = resolve(tree, path)
    return resolved if tree.lstat(resolved) is not None else None


def _entries(
    tree: Tree,
    root: str,
    change: ModeChange | None,
    include: PatternMatcher | None,
    exclude: PatternMatcher | None,
) -> list[Entry]:
    """Return a source and what is below it, but for what patterns leave out."""
    facts = tree.lstat(root)
    if facts is None:
        raise FileNotFoundError(root)
    builder = _Builder(tree, change)
    builder.add("", root, facts)
    if not facts.is_dir:
        return builder.entries
    base = root.rstrip("/")
    walk = _walk(tree, base) if include is None and exclude is None else None
    if walk is not None:
        for path, found, plain in walk:
            builder.add(path, f"{base}/{path}", found, plain=plain)
        return builder.entries
    implied: list[tuple[str, FileStat]] = []
    for path, found, selected in _filtered_walk(tree, base, include, exclude):
        while implied and not path.startswith(implied[-1][0] + "/"):
            implied.pop()
        if not selected:
            implied.append((path, found))
            continue
        for parent, parent_facts in implied:
            if parent not in builder.made:
                builder.add(parent, f"{base}/{parent}", parent_facts, implied=True)
        builder.add(path, f"{base}/{path}", found)
    return builder.entries


class _Builder:
    """Collects entries of one source."""

    def __init__(self, tree: Tree, change: ModeChange | None) -> None:
        self.entries: list[Entry] = []
        self.made: set[str] = set()
        self._tree = tree
        self._apply = change.apply if change is not None else None
        self._inodes: dict[tuple[int, int], int] = {}

    def add(
        self,
        path: str,
        origin: str,
        facts: FileStat,
        *,
        implied: bool = False,
        plain: bool = False,
    ) -> None:
        """Append a file; a ``plain`` one is known to have no extended attributes."""
        mode, target, leader = facts.mode, "", -1
        xattrs: dict[str, bytes] = {}
        kind = stat.S_IFMT(mode)
        if kind == stat.S_IFLNK:
            target = self._tree.readlink(origin)
        elif kind == stat.S_IFREG:
            if not plain:
                xattrs = self._tree.xattrs(origin)
            if facts.nlink > 1:
                leader = self._inodes.setdefault(facts.identity, len(self.entries))
                leader = -1 if leader == len(self.entries) else leader
        elif kind == stat.S_IFDIR:
            xattrs = self._tree.xattrs(origin)
            if implied:
                self.made.add(path)
        elif kind == stat.S_IFSOCK:
            # A layer cannot hold a socket; BuildKit leaves an empty file in its place.
            mode = stat.S_IFREG | stat.S_IMODE(mode)
        if self._apply is not None:
            mode = self._apply(mode)
        self.entries.append(Entry(path, origin, facts, mode, target, xattrs, leader, implied))


def _walk(tree: Tree, base: str) -> Iterator[tuple[str, FileStat, bool]]:
    """Yield all that is below a directory, parents first, names in the order of their bytes."""
    scan = tree.scan if isinstance(tree, Scanning) else partial(_scan, tree)
    pending = [(iter(scan(base or "/")), "")]
    while pending:
        names, parent = pending[-1]
        for name, facts, plain in names:
            path = parent + name
            yield path, facts, plain
            if stat.S_ISDIR(facts.mode):
                pending.append((iter(scan(f"{base}/{path}")), path + "/"))
                break
        else:
            pending.pop()


def _scan(tree: Tree, path: str) -> Iterator[Scanned]:
    """Yield what is in a directory of any tree."""
    below = path.rstrip("/")
    for name in tree.names(path):
        facts = tree.lstat(f"{below}/{name}")
        if facts is not None:
            yield name, facts, False


def _filtered_walk(
    tree: Tree, base: str, include: PatternMatcher | None, exclude: PatternMatcher | None
) -> Iterator[tuple[str, FileStat, bool]]:
    """Yield what patterns select, and directories (with False) that may hold such files."""
    pending = [(name, "", 0, 0) for name in reversed(tree.names(base or "/"))]
    while pending:
        name, parent, included, excluded = pending.pop()
        path = parent + name
        facts = tree.lstat(f"{base}/{path}")
        if facts is None:
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
        if not facts.is_dir:
            if selected:
                yield path, facts, True
        elif selected or descend:
            yield path, facts, selected
            below = path + "/"
            names = reversed(tree.names(f"{base}/{path}"))
            pending += [(each, below, included, excluded) for each in names]


def _source_record(source: Selected, keeps_owner: bool) -> tuple[object, ...]:
    if source.tree is None:
        name = encoded_name(source.name)
        return ("inline", name, source.mode, sha256_digest(source.content), source.unpack)
    try:
        digest_of: Callable[[str], bytes] = source.tree.file_digest
        entries = [_entry_record(each, keeps_owner, digest_of) for each in source.entries]
    except OSError as error:
        raise _unreadable(source, error) from error
    if source.is_dir:
        return ("directory", entries[1:])
    return ("file", encoded_name(source.name), source.unpack, entries)


def _entry_record(
    entry: Entry, keeps_owner: bool, digest_of: Callable[[str], bytes]
) -> tuple[object, ...]:
    facts, mode = entry.facts, entry.mode
    kind = stat.S_IFMT(mode)
    content: object = None
    if kind == stat.S_IFREG:
        if entry.leader >= 0:
            content = entry.leader
        elif facts.is_file:
            content = digest_of(entry.origin)
    elif kind == stat.S_IFLNK:
        content = encoded_name(entry.target)
    elif kind != stat.S_IFDIR:
        content = facts.rdev
    owner = (facts.uid, facts.gid) if keeps_owner else None
    xattrs = encoded_xattrs(entry.xattrs) if entry.xattrs else ()
    return (encoded_name(entry.path), mode, owner, content, xattrs, entry.implied)


def encoded_name(name: str) -> bytes:
    """Return a name as the host has it; what ``os.fsencode`` does, in a third of the time."""
    return name.encode("utf-8", "surrogateescape")


def encoded_xattrs(xattrs: Mapping[str, bytes]) -> list[tuple[bytes, bytes]]:
    """Return attributes as a digest takes them; names need not be UTF-8."""
    return [(encoded_name(name), value) for name, value in sorted(xattrs.items())]


def _unreadable(source: CopySource | Selected, error: OSError) -> ContextError:
    path = source.path if isinstance(source, CopySource) else source.name
    reason = (error.strerror or str(error)).lower()
    place = f" (`{error.filename}`)" if isinstance(error.filename, str) else ""
    hint = None
    if isinstance(error, PermissionError):
        hint = "make it readable, or exclude it with the ignore file"
    return ContextError(f"cannot read source `{path}`{place}: {reason}", hint=hint)

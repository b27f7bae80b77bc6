"""What a COPY or ADD takes: files of trees, found by patterns.

In:  ``CopyOp`` and the trees that its sources name by index.
Out: ``Selection``: every file with the mode it will have, and a digest of all that does not look at
     what the files are copied onto.

A directory named as source stands for what is in it. A link named as source (or as part of its
path) is followed inside the tree's root; links below a copied directory are copied as links.

Source: Dockerfile reference, COPY and ADD; BuildKit's behaviour as its tests pin it.
"""

from __future__ import annotations

import errno
import re
import stat
from collections.abc import Container, Iterator, Sequence
from functools import cached_property

import msgspec

from jettison.copier.content import (
    Preimages,
    contents_digest,
    describe,
    noted_contents_digest,
)
from jettison.copier.entry import Rules, SourceEntry, encoded_name, entries_of
from jettison.copier.missing import missing_source
from jettison.copier.mode import parse_mode
from jettison.errors import ContextError, FrontendError
from jettison.fs.glob import PatternError, clean_path, has_wildcard, name_pattern
from jettison.fs.os_errors import shortened
from jettison.fs.pattern import PatternMatcher
from jettison.fs.resolve import resolve
from jettison.fs.tree import SECOND_NS, Scanning, Tree
from jettison.oci.digest import Digest, raw, sha256_digest
from jettison.plan.op import CopyOp

SELECTION_VERSION = b"jettison-selection-2\0"
_INLINE_MODE = stat.S_IFREG | 0o644


class Selected(msgspec.Struct, frozen=True, dict=True):
    """One source path, after wildcards.

    Args:
        name: File name in a destination directory.
        input: Index of the tree among the op's inputs; -1 for an inline file.
        tree: Where the entries are; None for an inline file, which is ``content``.
        root: The source in the tree, without links in its path.
        is_dir: Whether the source is a directory, so that its contents are copied.
        rules: What is taken of it.
        unpack: Whether it is unpacked if it is an archive.
        mode: Of an inline file.
    """

    name: str
    tree: Tree | None
    root: str = ""
    is_dir: bool = False
    rules: Rules = Rules()
    unpack: bool = False
    content: bytes = b""
    mode: int = _INLINE_MODE
    input: int = -1

    @cached_property
    def entries(self) -> Sequence[SourceEntry]:
        """The source and what is below it, parents first; listed when somebody asks for it.

        Raises:
            ContextError: something cannot be read.
        """
        if self.tree is None:
            return ()
        try:
            return entries_of(self.tree, self.root, self.rules)
        except OSError as error:
            raise _unreadable(self.root, error) from error

    def record(self, kept: Preimages, *, keeps_owner: bool) -> tuple[object, ...]:
        """Return what counts of the source.

        Args:
            kept: Gets what digests are of.
            keeps_owner: Whether owners count.

        Raises:
            ContextError: something cannot be read.
        """
        name, tree = encoded_name(self.name), self.tree
        if tree is None:
            return ("inline", name, self.mode, sha256_digest(self.content), self.unpack)
        try:
            if not self.is_dir:
                row = describe(tree, self.entries[0], self.name, keeps_owner=keeps_owner)
                return ("file", self.unpack, row)
            digest = None
            if keeps_owner and self.rules.change_nothing and isinstance(tree, Scanning):
                digest = noted_contents_digest(tree, self.root, kept)
            if digest is None:
                digest = contents_digest(tree, self.entries, keeps_owner=keeps_owner, kept=kept)
        except OSError as error:
            raise _unreadable(self.root, error) from error
        st = tree.lstat(self.root)
        if st is not None and st.dated:
            return ("directory", digest, b"%d" % (st.mtime_ns // SECOND_NS))
        return ("directory", digest)


class Selection(msgspec.Struct, frozen=True):
    """All that an op copies, in the order in which later files replace earlier ones."""

    sources: tuple[Selected, ...]
    keeps_owner: bool

    def digest(self, kept: Preimages | None = None) -> Digest:
        """Return the content digest: paths, types, effective modes, owners, bytes.

        Owners count only where they are kept, modes as ``--chmod`` makes them, times where they
        say something (``FileStat.dated``). The attributes of a directory that was named as source
        do not count but for such a time: only its contents are copied.

        Args:
            kept: Gets what digests are of, this one included (``copier.manifest``).

        Raises:
            ContextError: a file cannot be read any more.
        """
        kept = {} if kept is None else kept
        records = [each.record(kept, keeps_owner=self.keeps_owner) for each in self.sources]
        encoded = msgspec.msgpack.encode(records)
        digest = sha256_digest(SELECTION_VERSION + encoded)
        kept[raw(digest)] = encoded
        return digest

    def clock_ns(self, created_ns: int, unpacked: Container[int]) -> int:
        """Return from when on times in the layer say only when something was made.

        Whole seconds: some programs copy no more of a time.

        Args:
            created_ns: When the layer is made, nanoseconds since the epoch.
            unpacked: Indexes of sources that are archives, whose members have their own times.
        """
        times = (
            entry.stat.mtime_ns
            for index, source in enumerate(self.sources)
            if source.tree is not None and index not in unpacked
            for entry in source.entries
            if not entry.stat.dated
        )
        return min(created_ns, min(times, default=created_ns)) // SECOND_NS * SECOND_NS


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
            if required and tree.lstat(resolve(tree, source.path)) is None:
                raise missing_source(op, tree, clean_path("/" + source.path))
            rules = Rules(change, include, exclude)
            for path in _matches(tree, pattern):
                root = resolve(tree, path)
                st = tree.lstat(root)
                if st is None:
                    raise missing_source(op, tree, path)
                name = path.rpartition("/")[2]
                chosen = Selected(
                    name,
                    tree,
                    root,
                    st.is_dir,
                    rules,
                    unpack=bool(unpack),
                    input=source.input,
                )
                sources.append(chosen)
        except OSError as error:
            raise _unreadable(source.path, error) from error
    return Selection(tuple(sources), keeps_owner=op.owner is None)


def literal_prefix(pattern: str) -> str:
    """Return the directory or file that all matches of a pattern are, or are in.

    >>> literal_prefix("usr/lib/*.so"), literal_prefix("bin/sh"), literal_prefix("*")
    ('/usr/lib', '/bin/sh', '/')
    """
    parts: list[str] = []
    for part in clean_path("/" + pattern)[1:].split("/"):
        if has_wildcard(part):
            break
        parts.append(part)
    return "/" + "/".join(parts)


def prepare(selection: Selection, *, digests_only: bool = False) -> None:
    """Have the bytes of selected files here, where a tree can be asked for all of them at once.

    Args:
        selection: What is copied.
        digests_only: Whether digests will do.

    Raises:
        JettisonError: they cannot be had.
    """
    for source in selection.sources:
        fetch = getattr(source.tree, "prepare", None)
        if fetch is not None:
            files = (each.origin for each in source.entries if each.stat.is_file)
            fetch(files, digests_only=digests_only)


def _matcher(patterns: Sequence[str], what: str = "exclude") -> PatternMatcher | None:
    if not patterns:
        return None
    try:
        return PatternMatcher(patterns)
    except PatternError as error:
        raise FrontendError(f"invalid {what} patterns: {error}") from error


def _parents(text: str) -> tuple[str, PatternMatcher | None]:
    """Split a source of ``--parents`` at its pivot: what stays behind, what is recreated."""
    root, pivot, pattern = text.partition("/./")
    if not pivot:
        root, pattern = "/", text
    pattern = clean_path("/" + pattern)[1:]
    return root, _matcher((pattern,), "include") if pattern else None


def _matches(tree: Tree, pattern: str) -> Iterator[str]:
    """Yield the paths that a pattern names, in the order of their names, links not followed.

    A pattern without wildcards is yielded as it is; one that matches nothing yields nothing.

    Raises:
        ContextError: it is malformed.
    """
    components = clean_path("/" + pattern)[1:].split("/")
    fixed = next((i for i, each in enumerate(components) if has_wildcard(each)), len(components))
    prefix = "/" + "/".join(components[:fixed])
    if fixed == len(components):
        yield prefix
        return
    expressions = [_expression(each, pattern) for each in components[fixed:]]
    base = resolve(tree, prefix).rstrip("/")
    pending = [(base, 0)]
    while pending:
        path, depth = pending.pop()
        if depth == len(expressions):
            yield path
            continue
        matches = expressions[depth].fullmatch
        names = [name for name in tree.names(path or "/") if matches(name)]
        pending += [(f"{path}/{name}", depth + 1) for name in reversed(names)]


def _expression(component: str, pattern: str) -> re.Pattern[str]:
    expression = name_pattern(component)
    if expression is None:
        raise ContextError(
            f"invalid source `{pattern}`: syntax error in pattern",
            hint="write a bracket that is one as `[[]`",
        )
    return expression


def _unreadable(path: str, error: OSError) -> ContextError:
    reason = (error.strerror or str(error)).lower()
    place = f" (`{shortened(error.filename)}`)" if isinstance(error.filename, str) else ""
    hint = None
    if error.errno == errno.ENAMETOOLONG:
        hint = "make the path shorter: Linux takes 4,095 bytes, those before the context included"
    if isinstance(error, PermissionError):
        hint = "make it readable, or exclude it with the ignore file"
    return ContextError(f"cannot read source `{shortened(path)}`{place}: {reason}", hint=hint)

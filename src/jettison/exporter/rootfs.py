"""Root file systems as plain files: a directory (``type=local``) or a tar (``type=tar``).

In:  stored images, whose layers are merged as an overlay would show them.
Out: files owned by the caller in a directory, or a tar with the image's owners.

A directory that is there already is merged into: what the image has replaces what is there, and
links in it are never followed. Sockets are left out, and devices where they cannot be made.

Source: BuildKit's local and tar exporters.
Security: an image is hostile: its links are made and never followed.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from jettison.errors import UsageError
from jettison.events import Progress
from jettison.exporter.base import ExportResult, ExportServices
from jettison.exporter.destination import (
    STANDARD_OUTPUT,
    copy_bytes,
    export_errors,
    is_empty,
    new_directory,
    open_file,
)
from jettison.exporter.options import Attributes
from jettison.fs.remove import remove_tree
from jettison.fs.tree import FileStat, Tree
from jettison.image.manifest import image_platform
from jettison.layer.header import (
    BLOCK,
    CHARACTER,
    DEVICE_BLOCK,
    DIRECTORY,
    FIFO,
    FILE,
    HARD_LINK,
    SYMLINK,
    Entry,
    format_entry,
)
from jettison.snapshot.stack import StackTree
from jettison.store.image import StoredImage

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NANO = 1_000_000_000
_EVERY = 256
_KINDS = {
    stat.S_IFREG: FILE,
    stat.S_IFDIR: DIRECTORY,
    stat.S_IFLNK: SYMLINK,
    stat.S_IFCHR: CHARACTER,
    stat.S_IFBLK: DEVICE_BLOCK,
    stat.S_IFIFO: FIFO,
}


class RootfsExporter:
    """``type=local`` and ``type=tar``.

    Args:
        kind: ``local`` or ``tar``.
        dest: Directory, or file or ``-`` for a tar.
        attributes: As written.
        services: Has the images.

    Raises:
        UsageError: an attribute is wrong.
    """

    def __init__(
        self, kind: str, dest: str, attributes: Mapping[str, str], services: ExportServices
    ) -> None:
        taken = Attributes(kind, attributes)
        self._split = taken.maybe_flag("platform-split")
        epoch = taken.number("source-date-epoch")
        self._clamp_ns = None if epoch is None else epoch * _NANO
        taken.finish()
        if not dest:
            raise UsageError(
                f"output `type={kind}` needs a destination", hint=f"write `type={kind},dest=PATH`"
            )
        if dest == STANDARD_OUTPUT and kind == "local":
            raise UsageError("a directory cannot go to standard output", hint="use `type=tar`")
        self._tar = kind == "tar"
        self._dest = dest
        self._services = services

    @property
    def packs(self) -> None:
        """Files are written, no blobs."""
        return

    def export(self, images: Sequence[StoredImage], report: Progress) -> ExportResult:
        """Write the files; see ``Exporter``."""
        split = len(images) > 1 if self._split is None else self._split
        trees = []
        for image in images:
            layers = tuple(layer.layer for layer in image.layers)
            tree = StackTree(self._services.blobs.materialise(layers, report))
            platform = str(image_platform(image.config)).replace("/", "_")
            trees.append((platform if split else "", tree))
        if self._tar:
            with open_file(self._dest, self._services.stdout) as sink:
                for prefix, tree in trees:
                    _TarWriter(sink, prefix, self._clamp_ns, report).write(tree)
                sink.write(bytes(2 * BLOCK))
        else:
            self._write_directory(trees, report)
        return ExportResult(path="" if self._dest == STANDARD_OUTPUT else self._dest)

    def _write_directory(self, trees: list[tuple[str, StackTree]], report: Progress) -> None:
        path = Path(self._dest)
        if is_empty(path):
            with new_directory(path) as directory:
                self._fill(directory, trees, report)
            return
        with export_errors(self._dest):
            self._fill(path, trees, report)

    def _fill(self, path: Path, trees: list[tuple[str, StackTree]], report: Progress) -> None:
        for prefix, tree in trees:
            target = path / prefix if prefix else path
            target.mkdir(exist_ok=True)
            _DirectoryWriter(target, self._clamp_ns, report).write(tree)


def walk(tree: Tree) -> Iterator[tuple[str, FileStat]]:
    """Yield all paths of a tree but the root, parents first, names in the order of their bytes."""
    pending = [iter([f"/{name}" for name in tree.names("/")])]
    while pending:
        path = next(pending[-1], None)
        if path is None:
            pending.pop()
            continue
        facts = tree.lstat(path)
        if facts is None or stat.S_ISSOCK(facts.mode):
            continue
        yield path, facts
        if facts.is_dir:
            pending.append(iter([f"{path}/{name}" for name in tree.names(path)]))


class _TarWriter:
    def __init__(self, sink: BinaryIO, prefix: str, clamp_ns: int | None, report: Progress) -> None:
        self._sink = sink
        self._prefix = f"{prefix}/" if prefix else ""
        self._clamp_ns = clamp_ns
        self._report = report
        self._first: dict[tuple[int, int], bytes] = {}

    def write(self, tree: Tree) -> None:
        if self._prefix:
            name = self._prefix.encode()
            self._sink.write(format_entry(Entry(name, DIRECTORY, 0o755, 0, 0, 0, 0)))
        for count, (path, facts) in enumerate(walk(tree), 1):
            self._add(tree, path, facts)
            if count % _EVERY == 0:
                self._report("files", count, 0)

    def _add(self, tree: Tree, path: str, facts: FileStat) -> None:
        kind = _KINDS[stat.S_IFMT(facts.mode)]
        name = os.fsencode(self._prefix + path[1:]) + (b"/" if facts.is_dir else b"")
        size = facts.size if facts.is_file else 0
        link = os.fsencode(tree.readlink(path)) if facts.is_symlink else b""
        if facts.nlink > 1 and not facts.is_dir:
            first = self._first.setdefault(facts.identity, name)
            if first != name:
                kind, link, size = HARD_LINK, first, 0
        device = (0, 0)
        if kind in {CHARACTER, DEVICE_BLOCK}:
            device = (os.major(facts.rdev), os.minor(facts.rdev))
        entry = Entry(
            name,
            kind,
            stat.S_IMODE(facts.mode),
            facts.uid,
            facts.gid,
            size,
            clamped(facts.mtime_ns, self._clamp_ns),
            link,
            device,
            {} if kind == HARD_LINK else tree.xattrs(path),
            None,
            size,
        )
        self._sink.write(format_entry(entry))
        if kind == FILE:
            with open(os.open(tree.host_path(path), _READ), "rb") as file:
                copy_bytes(file, self._sink)
            self._sink.write(bytes(-size % BLOCK))


class _DirectoryWriter:
    """Writes a tree into a directory that nobody else writes to."""

    def __init__(self, root: Path, clamp_ns: int | None, report: Progress) -> None:
        self._root = os.fspath(root)
        self._clamp_ns = clamp_ns
        self._report = report
        self._first: dict[tuple[int, int], str] = {}

    def write(self, tree: Tree) -> None:
        directories: list[tuple[str, FileStat]] = []
        for count, (path, facts) in enumerate(walk(tree), 1):
            target = self._root + path
            if facts.is_dir:
                self._directory(target)
                directories.append((target, facts))
            else:
                self._other(tree, path, facts, target)
            if count % _EVERY == 0:
                self._report("files", count, 0)
        # Times and modes of directories last: making files in them needs and changes these.
        for target, facts in reversed(directories):
            self._finish(target, facts)

    def _directory(self, target: str) -> None:
        try:
            os.mkdir(target, 0o700)
        except FileExistsError:
            if not stat.S_ISDIR(os.lstat(target).st_mode):
                os.unlink(target)
                os.mkdir(target, 0o700)

    def _other(self, tree: Tree, path: str, facts: FileStat, target: str) -> None:
        if os.path.lexists(target):
            remove_tree(target)
        if facts.nlink > 1:
            first = self._first.setdefault(facts.identity, target)
            if first != target:
                if os.path.lexists(first):
                    os.link(first, target, follow_symlinks=False)
                return
        if facts.is_file:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            with (
                open(os.open(tree.host_path(path), _READ), "rb") as source,
                open(os.open(target, flags, 0o600), "wb") as file,
            ):
                copy_bytes(source, file)
            self._xattrs(tree, path, target)
            self._finish(target, facts)
        elif facts.is_symlink:
            os.symlink(tree.readlink(path), target)
            self._times(target, facts)
        else:
            try:
                os.mknod(target, facts.mode, facts.rdev)
            except PermissionError:
                return
            self._finish(target, facts)

    def _finish(self, target: str, facts: FileStat) -> None:
        os.chmod(target, stat.S_IMODE(facts.mode))
        self._times(target, facts)

    def _times(self, target: str, facts: FileStat) -> None:
        time_ns = clamped(facts.mtime_ns, self._clamp_ns)
        os.utime(target, ns=(time_ns, time_ns), follow_symlinks=False)

    @staticmethod
    def _xattrs(tree: Tree, path: str, target: str) -> None:
        for name, value in tree.xattrs(path).items():
            # File capabilities are for the image's owners, not for the caller's files.
            if name.startswith("user."):
                try:
                    os.setxattr(target, name, value, follow_symlinks=False)
                except OSError:
                    return


def clamped(time_ns: int, limit_ns: int | None) -> int:
    """Return a time, or the limit when it is later."""
    return time_ns if limit_ns is None else min(time_ns, limit_ns)

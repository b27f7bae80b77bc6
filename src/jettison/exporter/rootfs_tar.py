"""Trees as tar archives: the files that an image or a container shows, with their owners.

In:  trees.
Out: a stream; names in the order of their bytes, a hard link for each further name of a file.

A tar does nothing by itself, so it keeps set-ID bits, devices and capabilities. Sockets are left
out. The same tree gives the same bytes.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import BinaryIO

from jettison.errors import ExportError
from jettison.events import Progress
from jettison.exporter.directory import clamped
from jettison.fs.bytes import copy_bytes
from jettison.fs.tree import FileStat, Tree
from jettison.fs.tree_walk import walk_tree
from jettison.layer.header import (
    BLOCK,
    CHARACTER,
    DEVICE_BLOCK,
    DIRECTORY,
    FILE,
    HARD_LINK,
    KIND_OF_TYPE,
    TarEntry,
    format_entry,
)

END = bytes(2 * BLOCK)

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_EVERY = 256
_SAID_MODE = 0o644


class TarWriter:
    """Writes trees into one archive, which ``END`` ends.

    Args:
        sink: Gets it.
        prefix: Directory that the files are in; empty for none.
        clamp_ns: The latest time that a file may have; None for any.
        report: Called with how many files there are.
    """

    def __init__(self, sink: BinaryIO, prefix: str, clamp_ns: int | None, report: Progress) -> None:
        self._sink = sink
        self._prefix = f"{prefix}/" if prefix else ""
        self._clamp_ns = clamp_ns
        self._report = report
        self._first: dict[tuple[int, int], bytes] = {}

    def write(self, tree: Tree, *, changes: bool = False) -> None:
        """Write the files of a tree.

        Args:
            tree: It.
            changes: Whether it does so meanwhile: then what vanishes is left out.

        Raises:
            ExportError: a file became shorter while it was read.
            OSError: something cannot be read or written.
        """
        vanished = (FileNotFoundError,) if changes else ()
        if self._prefix:
            name = self._prefix.encode()
            self._sink.write(format_entry(TarEntry(name, DIRECTORY, 0o755, 0, 0, 0, 0)))
        for count, (path, st) in enumerate(walk_tree(tree), 1):
            with suppress(*vanished):
                self._add(tree, path, st)
            if count % _EVERY == 0:
                self._report("files", count, 0)

    def add_files(self, files: Mapping[str, bytes]) -> None:
        """Write files that are of no image."""
        for name, data in files.items():
            path = os.fsencode(self._prefix + name)
            time_ns = clamped(time.time_ns(), self._clamp_ns)
            entry = TarEntry(path, FILE, _SAID_MODE, 0, 0, len(data), time_ns)
            self._sink.write(format_entry(entry))
            self._sink.write(data + bytes(-len(data) % BLOCK))

    def _add(self, tree: Tree, path: str, st: FileStat) -> None:
        kind = KIND_OF_TYPE[stat.S_IFMT(st.mode)]
        name = os.fsencode(self._prefix + path[1:]) + (b"/" if st.is_dir else b"")
        size = st.size if st.is_file else 0
        link = os.fsencode(tree.readlink(path)) if st.is_symlink else b""
        if st.nlink > 1 and not st.is_dir:
            first = self._first.setdefault(st.identity, name)
            if first != name:
                kind, link, size = HARD_LINK, first, 0
        device = (0, 0)
        if kind in {CHARACTER, DEVICE_BLOCK}:
            device = (os.major(st.rdev), os.minor(st.rdev))
        entry = TarEntry(
            name,
            kind,
            stat.S_IMODE(st.mode),
            st.uid,
            st.gid,
            size,
            clamped(st.mtime_ns, self._clamp_ns),
            link,
            device,
            {} if kind == HARD_LINK else tree.xattrs(path),
            None,
            size,
        )
        if kind != FILE:
            self._sink.write(format_entry(entry))
            return
        with open(os.open(tree.host_path(path), _READ), "rb") as file:
            self._sink.write(format_entry(entry))
            if copy_bytes(file, self._sink, size) < size:
                raise ExportError(f"`{path}` became shorter while it was read", hint="try again")
            self._sink.write(bytes(-size % BLOCK))

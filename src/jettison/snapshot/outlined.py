"""A stack of layers as one tree, of which as little is fetched as a question needs.

In:  layers that tell their outlines, and give bytes of files when somebody wants them.
Out: ``OutlinedTree``, which shows what ``snapshot.stack`` shows of the same layers.

Layers are asked from the top down: a file that an upper layer has settles its path, and no layer
below it is asked for its outline. That something is not there takes the outlines of all.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from jettison.fs.tree import FileStat
from jettison.fs.walk import sorted_names

if TYPE_CHECKING:
    from jettison.snapshot.outline import OutlineEntry

_EMPTY_ROOT = FileStat(0o040755, nlink=2)


class LayerOutline(Protocol):
    """What a layer says of its names; only names in its own directories are asked for."""

    @property
    def root(self) -> OutlineEntry:
        """The entry of the root directory."""
        ...

    @property
    def plain_root(self) -> bool:
        """Whether the root says nothing (``fs.overlay_form``)."""
        ...

    def find(self, path: str) -> OutlineEntry | None:
        """Return what is at a path, which is empty for the root."""
        ...

    def names(self, directory: str) -> list[str]:
        """Return the names in a directory that is there, in any order."""
        ...

    def target(self, path: str) -> str | None:
        """Return where the symbolic link at a path leads; None if it is none."""
        ...

    def xattrs_of(self, path: str) -> dict[str, bytes]:
        """Return the image attributes of what is at a path."""
        ...


class OutlinedLayer(Protocol):
    """A layer that need not be here; it is asked by one thread at a time."""

    @property
    def by_table(self) -> bool:
        """Whether what is known of it is what a table of contents says, which nobody proved."""
        ...

    @property
    def outline(self) -> LayerOutline:
        """All but the bytes of its files.

        Raises:
            JettisonError: it cannot be had.
        """
        ...

    def prepare(self, paths: Iterable[str], *, digests_only: bool) -> None:
        """Have the bytes of regular files here, or at least their digests."""
        ...

    def place(self, path: str) -> str:
        """Return where a file is on the host; the bytes of a regular file are there."""
        ...

    def digest(self, path: str) -> bytes:
        """Return the sha256 of a regular file (raw)."""
        ...


class _Directory:
    """What is known of the layers that have a directory: ``layers``, topmost first.

    Those from number ``asked`` on were asked; below number ``end`` none counts.
    """

    def __init__(self, count: int) -> None:
        self.layers: list[int] = []
        self.asked = count
        self.end = 0


class OutlinedTree:
    """A tree over layers; threads may share it.

    Args:
        layers: Base first; none is the empty root.
        clocks: Of each, from when on times say only when it was made (``LayerInfo.clock_ns``).
    """

    def __init__(self, layers: Sequence[OutlinedLayer], clocks: Sequence[int]) -> None:
        self._layers = layers
        self._clocks = clocks
        self._directories: dict[str, _Directory] = {}
        self._lock = threading.RLock()

    @property
    def by_table(self) -> bool:
        """Whether something that was asked of it was answered by a table of contents.

        Such answers must not be remembered under the names of the layers: another image may have
        a layer of the same diff ID, and a table that says something else.
        """
        return any(layer.by_table for layer in self._layers)

    def lstat(self, path: str) -> FileStat | None:
        """Return the stat result of a path, or None when there is nothing."""
        with self._lock:
            found = self._find(path)
            if found is None:
                return _EMPTY_ROOT if path == "/" else None
            layer, entry = found
        return FileStat(
            entry.mode,
            entry.size,
            entry.mtime_ns,
            entry.rdev,
            entry.nlink,
            layer,
            entry.inode,
            uid=entry.uid,
            gid=entry.gid,
            dated=entry.mtime_ns < self._clocks[layer],
        )

    def names(self, path: str) -> list[str]:
        """Return the names in a directory, sorted by their bytes; empty if it is none."""
        directory = "" if path == "/" else path
        shown: dict[str, None] = {}
        closed: set[str] = set()
        with self._lock:
            for layer in self._having(directory):
                outline = self._layers[layer].outline
                for name in outline.names(directory):
                    entry = outline.find(f"{directory}/{name}")
                    if name in closed or entry is None:
                        continue
                    if not entry.is_dir:
                        closed.add(name)
                    if not entry.is_whiteout:
                        shown[name] = None
        return sorted_names(list(shown))

    def readlink(self, path: str) -> str:
        """Return the target of a symbolic link.

        Raises:
            OSError: it is none.
        """
        with self._lock:
            layer, _ = self._found(path)
            target = self._layers[layer].outline.target(path)
        if target is None:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), path)
        return target

    def host_path(self, path: str) -> str:
        """Return where a file is on the host; its bytes are fetched if need be."""
        with self._lock:
            layer, entry = self._found(path)
            if not entry.is_dir:
                self._layers[layer].prepare((path,), digests_only=False)
            return self._layers[layer].place("" if path == "/" else path)

    def xattrs(self, path: str) -> dict[str, bytes]:
        """Return the extended attributes that belong to images."""
        if path == "/" and not self._layers:
            return {}
        with self._lock:
            layer, _ = self._found(path)
            return self._layers[layer].outline.xattrs_of("" if path == "/" else path)

    def file_digest(self, path: str) -> bytes:
        """Return the sha256 of a regular file's bytes."""
        with self._lock:
            layer, _ = self._found(path)
            self._layers[layer].prepare((path,), digests_only=True)
            return self._layers[layer].digest(path)

    def prepare(self, paths: Iterable[str], *, digests_only: bool = False) -> None:
        """Have the bytes of many files, or only what their digests need, in one go.

        Raises:
            JettisonError: a layer cannot be had.
        """
        with self._lock:
            wanted: dict[int, list[str]] = {}
            for path in paths:
                found = self._find(path)
                if found is not None:
                    wanted.setdefault(found[0], []).append(path)
            for layer, files in wanted.items():
                self._layers[layer].prepare(files, digests_only=digests_only)

    def _found(self, path: str) -> tuple[int, OutlineEntry]:
        found = self._find(path)
        if found is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return found

    def _find(self, path: str) -> tuple[int, OutlineEntry] | None:
        """Return the layer whose entry counts for a path, and the entry."""
        if path == "/":
            return self._find_root()
        parent = path.rpartition("/")[0]
        implied = None
        for layer in self._having(parent):
            entry = self._layers[layer].outline.find(path)
            if entry is None:
                continue
            if implied is not None and not entry.is_dir:
                break
            if not entry.implied:
                return None if entry.is_whiteout else (layer, entry)
            implied = implied or (layer, entry)  # an opaque one, too, is as the one below it is
        return implied

    def _find_root(self) -> tuple[int, OutlineEntry] | None:
        top = None
        for layer in self._having(""):
            outline = self._layers[layer].outline
            top = top or (layer, outline.root)
            if not outline.plain_root:
                return layer, outline.root
        return top

    def _having(self, directory: str) -> Iterator[int]:
        """Yield the numbers of the layers that take part in a directory, topmost first."""
        known = self._known(directory)
        yield from tuple(known.layers)
        while known.asked > known.end:
            layer = known.asked - 1
            if self._ask(directory, layer):
                yield layer

    def _ask(self, directory: str, layer: int) -> bool:
        """Find out whether a layer takes part in a directory; those above it were asked before.

        Downwards from the nearest directory that is known: depth costs no stack.
        """
        unknown: list[str] = []
        takes_part, path = True, directory
        while True:
            known = self._known(path)
            if known.asked <= layer:
                takes_part = layer in known.layers
                break
            unknown.append(path)
            if not path:
                break
            path = path.rpartition("/")[0]
        outline = None
        for path in reversed(unknown):
            known, entry = self._known(path), None
            if takes_part and layer >= known.end:
                outline = outline or self._layers[layer].outline
                entry = outline.find(path)
            known.asked = layer  # not before: asking may fail
            takes_part = entry is not None and entry.is_dir
            if takes_part:
                known.layers.append(layer)
            if entry is not None and not entry.is_dir:
                known.end = layer + 1
            elif entry is not None and entry.opaque:
                known.end = layer
            known.end = max(known.end, self._end_above(path))
        return takes_part

    def _end_above(self, path: str) -> int:
        """Return below which layer nothing counts for what is in the parent of a directory."""
        return self._known(path.rpartition("/")[0]).end if path else 0

    def _known(self, directory: str) -> _Directory:
        known = self._directories.get(directory)
        if known is None:
            known = self._directories[directory] = _Directory(len(self._layers))
        return known

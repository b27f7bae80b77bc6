"""Layers that are known by their outlines, for tests: read when they are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from jettison.fs.digest import file_sha256
from jettison.snapshot.directory_outline import DirectoryOutline
from jettison.snapshot.outline import Outline, decode_outline, encode_outline, read_outline
from jettison.snapshot.outlined import OutlinedTree
from ownership_rig import OWNERSHIP


class DirectoryLayer:
    """A layer directory; ``asked`` tells whether its outline was wanted."""

    by_table = False

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.prepared: list[tuple[str, bool]] = []
        self.asked = False
        self._outline: Outline | None = None
        self._digests: dict[int, bytes] = {}

    @property
    def outline(self) -> Outline:
        if self._outline is None:
            self.asked = True
            self._outline = decode_outline(encode_outline(read_outline(self.directory, OWNERSHIP)))
        assert self._outline is not None
        return self._outline

    def prepare(self, paths: Iterable[str], *, digests_only: bool) -> None:
        self.prepared += [(path, digests_only) for path in paths]

    def place(self, path: str) -> str:
        return f"{self.directory}{path or '/'}"

    def digest(self, path: str) -> bytes:
        inode = self.outline.entries[self.outline.numbers[path]].inode
        if inode not in self._digests:
            self._digests[inode] = file_sha256(self.place(path))
        return self._digests[inode]


class InPlaceLayer:
    """A layer directory that is asked name by name."""

    by_table = False

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.outline = DirectoryOutline(directory, OWNERSHIP)
        self._digests: dict[int, bytes] = {}

    def prepare(self, paths: Iterable[str], *, digests_only: bool) -> None:
        """All of it is here."""

    def place(self, path: str) -> str:
        return f"{self._directory}{path or '/'}"

    def digest(self, path: str) -> bytes:
        found = self.outline.find(path)
        assert found is not None
        if found.inode not in self._digests:
            self._digests[found.inode] = file_sha256(self.place(path))
        return self._digests[found.inode]


def outlined(directories: Sequence[Path]) -> OutlinedTree:
    """Return the tree of layer directories, base first."""
    return OutlinedTree([DirectoryLayer(each) for each in directories], [0] * len(directories))


def in_place(directories: Sequence[Path]) -> OutlinedTree:
    """Return the tree of layer directories of which nothing is read before it is asked for."""
    return OutlinedTree([InPlaceLayer(each) for each in directories], [0] * len(directories))

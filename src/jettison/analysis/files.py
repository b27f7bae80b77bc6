"""All entries of a tree, listed once, and bounded reads of its files.

In:  a tree.
Out: ``Files``: path to stat result; bytes of regular files.

Security: a tree may have any number of entries, of any depth, under names of any bytes.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from functools import cached_property
from typing import BinaryIO, Protocol

from jettison.fs.resolve import resolve
from jettison.fs.tree import FileStat, Tree

MAX_ENTRIES = 2_000_000
"""So many are listed; of a larger tree the rest is not looked at."""
_MAX_READ = 512 << 20
_KIND = 0o170000
_EXECUTE = 0o111
_LIBRARIES = (".so", ".node")
OPEN_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
"""With which files of images are opened: no link is followed, nothing is waited for."""

Open = Callable[[str], int | None]
"""Opens the regular file at a path; None if that cannot be."""


def open_below(directory: str, path: str) -> int | None:
    """Open a file of a layer; whatever a layer holds, nothing is followed or waited for.

    Args:
        directory: Of the layer on the host.
        path: Absolute, in the layer.
    """
    try:
        return os.open(directory + path, OPEN_FLAGS)
    except OSError:
        return None


def may_be_program(path: str, mode: int) -> bool:
    """Tell whether a file has to be looked into: whether it is executable, or called a library."""
    return mode & _KIND == stat.S_IFREG and (
        bool(mode & _EXECUTE) or path.endswith(_LIBRARIES) or ".so." in path
    )


class Looks(Protocol):
    """Takes note of whose sizes are looked at; bytes are read through the tree, which knows."""

    def one(self, st: FileStat) -> None:
        """Note a file."""
        ...

    def all(self) -> None:
        """Note all of them."""
        ...


class Files:
    """The entries of a tree.

    Args:
        tree: It.
        entries: All paths but the root's, with their stat results; a directory comes before what
            is in it.
        is_whole: Whether there are no more.
        looks: Takes note of what is looked at.
    """

    def __init__(
        self,
        tree: Tree,
        entries: dict[str, FileStat],
        *,
        is_whole: bool = True,
        looks: Looks | None = None,
    ) -> None:
        self._looks = looks
        self.tree = tree
        self.entries = entries
        self.is_whole = is_whole
        self._by_name: dict[str, list[str]] = {}
        self._left = _MAX_READ

    @cached_property
    def symlinks(self) -> list[str]:
        """Paths of all symbolic links, in the order of the tree."""
        return [path for path, st in self.entries.items() if st.mode & _KIND == stat.S_IFLNK]

    @cached_property
    def programs(self) -> list[str]:
        """Paths of regular files that may be programs, in the order of the tree."""
        return [
            path
            for path, st in self.entries.items()
            if (st.mode & _EXECUTE or path.endswith(_LIBRARIES) or ".so." in path)
            and st.mode & _KIND == stat.S_IFREG
        ]

    def named(self, name: str) -> list[str]:
        """Return the paths whose last component is a name, in the order of the tree."""
        found = self._by_name.get(name)
        if found is None:
            end = f"/{name}"
            found = [path for path in self.entries if path.endswith(end)]
            self._by_name[name] = found
        return found

    def find(self, path: str) -> str | None:
        """Return the path of the regular file that a path leads to, None if it leads to none."""
        st = self.entries.get(path)
        if st is not None and st.is_symlink:
            path = self._beside(path)
            st = self.entries.get(path)
        if st is not None and st.is_file:
            return path  # most: there are no links in paths of entries
        try:
            found = resolve(self, path)
        except OSError:
            return None
        st = self.entries.get(found)
        return found if st is not None and st.is_file else None

    def _beside(self, link: str) -> str:
        """Return where a link leads if its target needs no more than to be put together."""
        try:
            target = self.tree.readlink(link)
        except OSError:
            return link
        place = target if target.startswith("/") else f"{link.rpartition('/')[0]}/{target}"
        return place if place in self.entries else link

    def lstat(self, path: str) -> FileStat | None:
        """Return the stat result of a path; links are not followed."""
        return self.entries.get(path)

    def readlink(self, path: str) -> str:
        """Return the target of a symbolic link."""
        return self.tree.readlink(path)

    def below(self, directory: str) -> list[str]:
        """Return the paths of regular files in a directory, sorted; empty if there is none."""
        prefix = directory + "/"
        try:
            names = self.tree.names(resolve(self, directory))
        except OSError:
            return []
        return [prefix + name for name in names if self.find(prefix + name) is not None]

    def size(self, path: str) -> int:
        """Return the bytes of a regular file, 0 of another entry and of what is not there.

        Rules and their facts ask for sizes here, and not in ``entries``: so it is noted.
        """
        st = self.entries.get(path)
        if st is None or not st.is_file:
            return 0
        if self._looks is not None:
            self._looks.one(st)
        return st.size

    def total(self, directory: str, *, without: str = "") -> tuple[int, int]:
        """Return bytes and number of what is below a directory, directories not counted.

        Args:
            directory: In the tree, without links.
            without: Name of a directory in it that does not count.
        """
        size, count = self.totals.get(directory, (0, 0))
        less_size, less_count = self.totals.get(f"{directory}/{without}", (0, 0))
        return (size - less_size, count - less_count) if without else (size, count)

    @property
    def totals(self) -> dict[str, tuple[int, int]]:
        """Bytes and number of what is below each directory; the root is the empty path.

        Of several names of one file, that is counted for which comes first.
        """
        if self._looks is not None:
            self._looks.all()
        return self._totals

    @cached_property
    def _totals(self) -> dict[str, tuple[int, int]]:
        totals: dict[str, tuple[int, int]] = {"": (0, 0)}
        seen: set[tuple[int, int]] = set()
        own: dict[str, int] = {}
        for path, st in self.entries.items():
            if st.is_dir:
                totals[path] = (0, 0)
            elif st.is_file and (st.nlink == 1 or st.identity not in seen):
                seen.add(st.identity)
                own[path] = st.size
        for path in reversed(self.entries):
            inside = totals.get(path)
            size, count = inside if inside is not None else (own.get(path, 0), 1)
            parent = path.rpartition("/")[0]
            above = totals[parent]
            totals[parent] = (above[0] + size, above[1] + count)
        return totals

    def open(self, path: str) -> BinaryIO | None:
        """Open the regular file that a path leads to; None if there is none to be read."""
        found = self.find(path)
        if found is None:
            return None
        try:
            descriptor = os.open(self.tree.host_path(found), OPEN_FLAGS)
        except OSError:
            return None
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            return None
        return os.fdopen(descriptor, "rb")

    def read(self, path: str, limit: int, *, whole: bool = True) -> bytes | None:
        """Return the bytes of the regular file that a path leads to.

        Args:
            path: In the tree.
            limit: Most bytes.
            whole: Whether a larger file is none; else its first bytes are returned.

        Returns:
            None if there is none to be read, or when all reads together came to 512 MiB.
        """
        file = self.open(path)
        if file is None:
            return None
        with file:
            try:
                data = file.read(min(limit, self._left) + whole)
            except OSError:
                return None
        if len(data) > min(limit, self._left):
            return None
        self._left -= len(data)
        return data


def list_files(tree: Tree, limit: int = MAX_ENTRIES) -> Files:
    """Return the entries of a tree, names of a directory sorted by their bytes.

    Raises:
        OSError: a directory cannot be read.
    """
    entries: dict[str, FileStat] = {}
    pending = [""]
    while pending:
        parent = pending.pop()
        below = []
        for name in tree.names(parent or "/"):
            if len(entries) >= limit:
                return Files(tree, entries, is_whole=False)
            path = f"{parent}/{name}"
            try:
                st = tree.lstat(path)
            except OSError as error:
                if error.errno == errno.ENAMETOOLONG:
                    continue
                raise
            if st is None:
                continue
            entries[path] = st
            if st.is_dir:
                below.append(path)
        pending += reversed(below)
    return Files(tree, entries)

"""A directory of the host as a tree.

In:  a directory.
Out: ``fs.tree.Tree``.

What was seen once is what the tree holds: stat results are kept, so that one build sees one state
of a file even while somebody writes. A path whose parent is a link, or that holds ``..``, names
nothing.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from jettison.fs.digest import FileDigests
from jettison.fs.tree import FileStat, file_stat
from jettison.fs.walk import sorted_names
from jettison.fs.xattr import read_xattrs

_NO_NAMES = frozenset({".", ".."})


class HostTree:
    """A tree over a host directory; threads may share it.

    Args:
        root: The directory; links in its own path are followed.
        digests: Remembers digests of files between builds; None remembers in memory.
        context: Whether it is a build context: everything belongs to 0:0.
    """

    def __init__(
        self, root: Path, *, digests: FileDigests | None = None, context: bool = False
    ) -> None:
        self._root = os.path.realpath(root).rstrip("/")
        self._digests = digests if digests is not None else FileDigests(Path(self._root or "/"))
        self._context = context
        self._stats: dict[str, os.stat_result | None] = {}
        self._directories: dict[str, bool] = {"": True}

    def lstat(self, path: str) -> FileStat | None:
        """Return the stat result of a path, or None when there is nothing."""
        st = self._lstat(path)
        if st is None:
            return None
        if self._context:
            return file_stat(st)
        return file_stat(st, st.st_uid, st.st_gid)

    def names(self, path: str) -> list[str]:
        """Return the names in a directory, sorted by their bytes; empty if it is none."""
        path = "" if path == "/" else path
        if not self._is_directory(path):
            return []
        try:
            return sorted_names(os.listdir(self._root + path if path else self._root or "/"))
        except (FileNotFoundError, NotADirectoryError):
            return []

    def readlink(self, path: str) -> str:
        """Return the target of a symbolic link."""
        return os.readlink(self.host_path(path))

    def host_path(self, path: str) -> str:
        """Return where a file is on the host."""
        if self._lstat(path) is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return self._root + path

    def xattrs(self, path: str) -> dict[str, bytes]:
        """Return the extended attributes that belong to images."""
        return read_xattrs(self.host_path(path))

    def file_digest(self, path: str) -> bytes:
        """Return the sha256 of a regular file's bytes."""
        st = self.lstat(path)
        if st is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return self._digests.digest(path, st)

    def _lstat(self, path: str) -> os.stat_result | None:
        if path in self._stats:
            return self._stats[path]
        parent, _, name = path.rpartition("/")
        st: os.stat_result | None = None
        if name not in _NO_NAMES and (self._directories.get(parent) or self._is_directory(parent)):
            try:
                st = os.lstat(self._root + path)
            except (FileNotFoundError, NotADirectoryError):
                st = None
            except ValueError:  # a NUL in the path
                st = None
            except OSError as error:
                if error.errno != errno.ENAMETOOLONG:
                    raise
        self._stats[path] = st
        return st

    def _is_directory(self, path: str) -> bool:
        """Tell whether a path is a real directory, reached through real directories only."""
        known = self._directories.get(path)
        if known is not None:
            return known
        unknown = [path]
        while (parent := unknown[-1].rpartition("/")[0]) not in self._directories:
            unknown.append(parent)
        for each in reversed(unknown):
            st = self._lstat(each)
            known = st is not None and stat.S_ISDIR(st.st_mode)
            self._directories[each] = known
        return bool(known)

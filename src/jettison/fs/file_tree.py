"""One file as a tree: a download under the name that it is to have.

In:  where its bytes are on the host, and its stat result in the tree.
Out: ``fs.tree.Tree`` with a root directory and the file.
"""

from __future__ import annotations

import errno
import os
import stat

from jettison.fs.tree import FileStat

_ROOT = FileStat(stat.S_IFDIR | 0o755, nlink=2)


class FileTree:
    """A tree that holds one regular file, owned by 0:0, which never changes.

    Args:
        name: Its name, without slashes.
        host_path: Where its bytes are.
        digest: Raw sha256 of them.
        mode: Permission bits.
        mtime_ns: Nanoseconds since the epoch.
    """

    def __init__(
        self, name: str, host_path: str, digest: bytes, *, mode: int, mtime_ns: int
    ) -> None:
        size = os.lstat(host_path).st_size
        self._path = "/" + name
        self._host_path = host_path
        self._digest = digest
        self._stat = FileStat(stat.S_IFREG | mode, size, mtime_ns, inode=1, dated=True)

    def lstat(self, path: str) -> FileStat | None:
        """Return the stat result of a path, or None when there is nothing."""
        if path == "/":
            return _ROOT
        return self._stat if path == self._path else None

    def names(self, path: str) -> list[str]:
        """Return the names in a directory."""
        return [self._path[1:]] if path == "/" else []

    def readlink(self, path: str) -> str:
        """Fail: there are no links."""
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), path)

    def host_path(self, path: str) -> str:
        """Return where the file is on the host."""
        if path != self._path:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return self._host_path

    def xattrs(self, path: str) -> dict[str, bytes]:
        """Return nothing: downloads have no attributes."""
        return {}

    def file_digest(self, path: str) -> bytes:
        """Return the sha256 of the file's bytes."""
        self.host_path(path)
        return self._digest

"""File trees seen through one small interface: a host directory or a stack of layers.

In:  absolute POSIX paths inside the tree (``/`` is its root).
Out: stat results, names, link targets, and where the bytes of a file are on the host.

No method follows a symbolic link in any component: callers resolve first
(``fs.resolve.resolve``), so nothing a tree holds can lead a read out of its root.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from operator import attrgetter
from typing import NamedTuple, Protocol, runtime_checkable

import msgspec

SECOND_NS = 10**9
"""Digests know times in whole seconds: a layer that went through a registry has no others."""


class FileStat(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """The stat result of one file. ``mode`` is type and permission bits as in ``stat(2)``.

    ``device`` is what ``inode`` is unique in: a device, or a layer of a stack.
    ``uid`` and ``gid`` are as seen inside the image (or as the context gives them: 0).
    ``dated`` tells whether the time says something about the file: that of a file in a context, or
    one that the clock gave while a step ran, says only when that was.

    A context of many files has as many of these: they hold no other objects than numbers, and are
    decoded at once from an array in the order of the fields.
    """

    mode: int
    size: int = 0
    mtime_ns: int = 0
    rdev: int = 0
    nlink: int = 1
    device: int = -1
    inode: int = 0
    ctime_ns: int = 0
    uid: int = 0
    gid: int = 0
    dated: bool = False

    @property
    def identity(self) -> tuple[int, int]:
        """Equal for names of one inode (hard links) of one tree; it orders nothing."""
        return self.device, self.inode

    @property
    def is_dir(self) -> bool:
        """Whether it is a directory."""
        return stat.S_ISDIR(self.mode)

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file."""
        return stat.S_ISREG(self.mode)

    @property
    def is_symlink(self) -> bool:
        """Whether it is a symbolic link."""
        return stat.S_ISLNK(self.mode)


HostStat = tuple[int, int, int, int, int, int, int, int]

host_stat: Callable[[os.stat_result], HostStat] = attrgetter(
    "st_mode", "st_size", "st_mtime_ns", "st_rdev", "st_nlink", "st_dev", "st_ino", "st_ctime_ns"
)
"""Takes what counts of a file of the host by one call: the fields of ``FileStat`` but its owner."""


def file_stat(st: os.stat_result, uid: int = 0, gid: int = 0) -> FileStat:
    """Return the stat result of a file of the host; of a build context all belong to 0:0."""
    return FileStat(*host_stat(st), uid, gid)


class Tree(Protocol):
    """A read-only file tree."""

    def lstat(self, path: str) -> FileStat | None:
        """Return the stat result of a path, or None when there is nothing."""
        ...

    def names(self, path: str) -> list[str]:
        """Return the names in a directory, sorted by their bytes; empty if it is none."""
        ...

    def readlink(self, path: str) -> str:
        """Return the target of a symbolic link.

        Raises:
            OSError: it is none.
        """
        ...

    def host_path(self, path: str) -> str:
        """Return where a file is on the host; to be opened with ``O_NOFOLLOW``.

        Raises:
            FileNotFoundError: there is nothing at the path.
        """
        ...

    def xattrs(self, path: str) -> dict[str, bytes]:
        """Return the extended attributes that belong to images (``fs.xattr``)."""
        ...

    def file_digest(self, path: str) -> bytes:
        """Return the sha256 of a regular file's bytes (raw, 32 bytes), memoised if possible."""
        ...


Scanned = tuple[str, FileStat, bool]
"""A name in a directory, its stat result, whether it is known to have no extended attributes."""


class Noted(NamedTuple):
    """What somebody noted about a directory; it holds as long as ``seen`` stays what it is.

    ``directories`` are the names of directories in it, sorted; ``seen`` is a digest of names and
    stat results of all that is directly in it.
    """

    note: bytes
    directories: list[str]
    seen: bytes = b""


@runtime_checkable
class Scanning(Tree, Protocol):
    """A tree that can tell everything about a directory at once, which walks use where it can.

    It also keeps a note about each directory, for as long as names and stat results of what is
    directly in it stay what they are. A note says that nothing in it has extended attributes.
    """

    def scan(self, path: str) -> list[Scanned]:
        """Return what is in a directory, names sorted by their bytes; empty if it is none."""
        ...

    def noted(self, path: str) -> Noted | None:
        """Return the note about a directory, or None."""
        ...

    def note(self, path: str, note: bytes) -> None:
        """Note something about a directory that depends on what is directly in it, only.

        It may be forgotten at once: so is what depends on files that were changed just now.
        """
        ...

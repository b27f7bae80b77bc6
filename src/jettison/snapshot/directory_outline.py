"""What a layer that is here as files says of them, asked name by name.

In:  a layer directory in overlay form that nobody writes to any more.
Out: what ``snapshot.outline`` says of it, read when it is asked for.

A COPY asks for a handful of names; an outline of a base image has tens of thousands.

Concurrency: safe for threads.
"""

from __future__ import annotations

import errno
import os
import stat
from functools import cached_property
from pathlib import Path

from jettison.fs.overlay_form import is_opaque, is_plain_root, is_whiteout
from jettison.fs.ownership import Ownership
from jettison.fs.xattr import read_xattrs
from jettison.snapshot.outline import WHITEOUT, OutlineEntry

_NO_NAME = {errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG}


class DirectoryOutline:
    """See ``snapshot.outlined.LayerOutline``.

    Inodes are those of the file system, and links into other layers count: as in
    ``snapshot.stack``.

    Args:
        directory: The layer's.
        ownership: How owners are kept in it.
    """

    def __init__(self, directory: Path, ownership: Ownership) -> None:
        self._directory = os.fspath(directory)
        self._ownership = ownership

    @cached_property
    def root(self) -> OutlineEntry:
        """The entry of its root directory.

        Raises:
            FileNotFoundError: the layer is gone.
        """
        return self._entry(self._directory, os.lstat(self._directory))

    @cached_property
    def plain_root(self) -> bool:
        """Whether the root says nothing (``fs.overlay_form``)."""
        return is_plain_root(self._directory, self._ownership)

    def find(self, path: str) -> OutlineEntry | None:
        """Return what is at a path; no link is in it."""
        if not path:
            return self.root
        if "/." in path and not {".", ".."}.isdisjoint(path.split("/")):
            return None  # no names, and the latter would lead out of the layer
        place = self._directory + path
        try:
            st = os.lstat(place)
        except ValueError:  # a name with a zero byte
            return None
        except OSError as error:
            if error.errno in _NO_NAME:
                return None
            raise
        if stat.S_ISSOCK(st.st_mode) and not is_whiteout(st):
            return None
        return self._entry(place, st)

    def names(self, directory: str) -> list[str]:
        """Return the names in a directory that is there, in any order."""
        return os.listdir(self._directory + directory)

    def target(self, path: str) -> str | None:
        """Return where the symbolic link at a path leads; None if it is none."""
        place = self._directory + path
        return os.readlink(place) if stat.S_ISLNK(os.lstat(place).st_mode) else None

    def xattrs_of(self, path: str) -> dict[str, bytes]:
        """Return the image attributes of what is at a path."""
        return read_xattrs(self._directory + path)

    def _entry(self, place: str, found: os.stat_result) -> OutlineEntry:
        st = self._ownership.effective_stat(found, place)
        if is_whiteout(st):
            return OutlineEntry(WHITEOUT, 0, st.st_mtime_ns, 0, st.st_uid, st.st_gid, st.st_ino)
        is_directory = stat.S_ISDIR(st.st_mode)
        return OutlineEntry(
            st.st_mode,
            st.st_size if stat.S_ISREG(st.st_mode) else 0,
            st.st_mtime_ns,
            st.st_rdev,
            st.st_uid,
            st.st_gid,
            st.st_ino,
            1 if is_directory else st.st_nlink,
            opaque=is_directory and is_opaque(place),
        )

"""Writes files below an open directory as a tar stream, without following a link.

In:  a directory, a name in it, the name in the archive.
Out: tar; how many bytes of files.

Security: each directory is opened from the one above it, and no link is followed: whoever changes
the files meanwhile can change what is read, but not where. Pipes and devices are not opened.
"""

from __future__ import annotations

import os
import stat
import tarfile
from typing import BinaryIO

from jettison.errors import ContainerError

_DEEPEST = 256
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY


class Packer:
    """One stream.

    Args:
        sink: Gets the archive.
    """

    def __init__(self, sink: BinaryIO) -> None:
        self._tar = tarfile.open(fileobj=sink, mode="w|", format=tarfile.PAX_FORMAT)  # noqa: SIM115
        self._links: dict[tuple[int, int], str] = {}
        self.copied_bytes = 0

    def close(self) -> None:
        """Write the end."""
        self._tar.close()

    def add(self, directory: int, name: str, as_name: str, depth: int = 0) -> None:
        """Add what is at a name, with all below it.

        Args:
            directory: Descriptor of the directory.
            name: ``.`` is the directory itself.
            as_name: Its name in the archive; empty adds only what is in a directory.
            depth: Of directories so far.

        Raises:
            ContainerError: directories are too deep, or a file shrinks while it is read.
            OSError: something cannot be read, or nobody reads the archive.
        """
        st = os.stat(name, dir_fd=directory, follow_symlinks=False)
        if stat.S_ISDIR(st.st_mode):
            self._add_directory(directory, name, as_name, depth)
            return
        entry = _entry(st, as_name)
        if entry.isreg():
            self._add_file(directory, name, entry)
        elif entry.type != tarfile.AREGTYPE:  # no sockets
            if entry.issym():
                entry.linkname = os.readlink(name, dir_fd=directory)
            self._tar.addfile(entry)

    def _add_directory(self, directory: int, name: str, as_name: str, depth: int) -> None:
        if depth > _DEEPEST:
            raise ContainerError(f"`{as_name[:80]}…` is deeper than {_DEEPEST} directories")
        descriptor = os.open(name, _OPEN | os.O_DIRECTORY, dir_fd=directory)
        try:
            if as_name:
                self._tar.addfile(_entry(os.fstat(descriptor), as_name))
            for each in sorted(os.listdir(descriptor)):
                inner = f"{as_name}/{each}" if as_name else each
                try:
                    self.add(descriptor, each, inner, depth + 1)
                except FileNotFoundError:
                    continue  # it is gone meanwhile
        finally:
            os.close(descriptor)

    def _add_file(self, directory: int, name: str, entry: tarfile.TarInfo) -> None:
        descriptor = os.open(name, _OPEN, dir_fd=directory)
        with open(descriptor, "rb") as file:
            st = os.fstat(descriptor)
            if not stat.S_ISREG(st.st_mode):
                raise ContainerError(f"`{entry.name}` changed while it was copied")
            entry.size = st.st_size
            known = self._links.get((st.st_dev, st.st_ino))
            if known is not None:
                entry.type, entry.linkname, entry.size = tarfile.LNKTYPE, known, 0
                self._tar.addfile(entry)
                return
            if st.st_nlink > 1:
                self._links[st.st_dev, st.st_ino] = entry.name
            try:
                self._tar.addfile(entry, file)
            except OSError as error:
                if error.errno is None:  # of tarfile: there were fewer bytes
                    raise ContainerError(f"`{entry.name}` shrank while it was copied") from error
                raise
            self.copied_bytes += entry.size


_TYPES = {
    stat.S_IFREG: tarfile.REGTYPE,
    stat.S_IFDIR: tarfile.DIRTYPE,
    stat.S_IFLNK: tarfile.SYMTYPE,
    stat.S_IFIFO: tarfile.FIFOTYPE,
    stat.S_IFCHR: tarfile.CHRTYPE,
    stat.S_IFBLK: tarfile.BLKTYPE,
}


def _entry(st: os.stat_result, name: str) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type = _TYPES.get(stat.S_IFMT(st.st_mode), tarfile.AREGTYPE)
    entry.mode = stat.S_IMODE(st.st_mode)
    entry.uid, entry.gid = st.st_uid, st.st_gid
    entry.mtime = st.st_mtime_ns / 10**9
    if entry.type in {tarfile.CHRTYPE, tarfile.BLKTYPE}:
        entry.devmajor, entry.devminor = os.major(st.st_rdev), os.minor(st.st_rdev)
    return entry

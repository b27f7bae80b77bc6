"""Writes the files of a tar stream below an open directory, without following a link.

In:  tar; a directory; whose the files are to be.
Out: files; what was left out.

Security: the archive and what is in the directory may both be hostile, and change. Names are
taken apart, ``..`` is refused, each directory is opened from the one above it without following
links, and files are new ones. Devices are not made, and set-user-ID bits are dropped unless owners
are kept, too.
"""

from __future__ import annotations

import contextlib
import os
import stat
import tarfile
from collections.abc import Iterator
from typing import BinaryIO

from jettison.errors import ContainerError

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_CHUNK = 1 << 20


class Unpacker:
    """One archive.

    Args:
        directory: Descriptor of the directory.
        owner: Whose new files are; None is this process's.
        archive: Owners and all mode bits are those of the archive.
    """

    def __init__(
        self, directory: int, *, owner: tuple[int, int] | None = None, archive: bool = False
    ) -> None:
        self._directory = directory
        self._owner = owner
        self._archive = archive
        self.left_out: list[str] = []

    def unpack(self, source: BinaryIO) -> None:
        """Write all files.

        Raises:
            ContainerError: the archive is none, or cannot be written here.
            OSError: a file cannot be written.
        """
        directories: list[tuple[list[str], tarfile.TarInfo]] = []
        try:
            with tarfile.open(fileobj=source, mode="r|*") as tar:
                for entry in tar:
                    parts = _parts(entry.name)
                    if entry.isdir():
                        directories.append((parts, entry))
                    self._write(tar, entry, parts)
        except (tarfile.TarError, EOFError) as error:
            raise ContainerError(f"the archive cannot be read: {error}") from error
        for parts, entry in reversed(directories):  # what is written in them changes their times
            with contextlib.suppress(OSError), self._opened(parts) as descriptor:
                _set_time(descriptor, entry)

    def _write(self, tar: tarfile.TarFile, entry: tarfile.TarInfo, parts: list[str]) -> None:
        if not parts:
            return  # the directory itself
        with self._opened(parts[:-1], make=True) as parent:
            name = parts[-1]
            if entry.isdir():
                self._make_directory(parent, name, entry)
                return
            self._make_room(parent, name, entry)
            if entry.isreg():
                self._write_file(tar, entry, parent, name)
            elif entry.issym():
                os.symlink(entry.linkname, name, dir_fd=parent)
                self._give(parent, name, entry)
            elif entry.islnk():
                self._link(entry, parent, name)
            elif entry.isfifo():
                os.mkfifo(name, entry.mode & 0o777, dir_fd=parent)
                self._give(parent, name, entry)
            else:
                self.left_out.append(f"`{entry.name}` is a device")

    def _make_directory(self, parent: int, name: str, entry: tarfile.TarInfo) -> None:
        try:
            os.mkdir(name, 0o700, dir_fd=parent)
        except FileExistsError:
            st = os.stat(name, dir_fd=parent, follow_symlinks=False)
            if not stat.S_ISDIR(st.st_mode):
                raise ContainerError(
                    f"cannot overwrite non-directory `{entry.name}` with a directory"
                ) from None
        else:
            self._give(parent, name, entry)
        descriptor = os.open(name, _DIRECTORY, dir_fd=parent)
        try:
            os.fchmod(descriptor, self._mode(entry))
        finally:
            os.close(descriptor)

    def _make_room(self, parent: int, name: str, entry: tarfile.TarInfo) -> None:
        """Remove the file that is there; a directory stays."""
        try:
            os.unlink(name, dir_fd=parent)
        except FileNotFoundError:
            return
        except IsADirectoryError:
            raise ContainerError(
                f"cannot overwrite directory `{entry.name}` with a non-directory"
            ) from None

    def _write_file(
        self, tar: tarfile.TarFile, entry: tarfile.TarInfo, parent: int, name: str
    ) -> None:
        source = tar.extractfile(entry)
        descriptor = os.open(name, _CREATE, 0o600, dir_fd=parent)
        with open(descriptor, "wb") as file:
            while source is not None and (data := source.read(_CHUNK)):
                file.write(data)
            file.flush()
            self._give(parent, name, entry)
            os.fchmod(descriptor, self._mode(entry))
            _set_time(descriptor, entry)

    def _link(self, entry: tarfile.TarInfo, parent: int, name: str) -> None:
        target = _parts(entry.linkname)
        if not target:
            raise ContainerError(f"`{entry.name}` is a link to the directory itself")
        with self._opened(target[:-1]) as directory:
            os.link(
                target[-1], name, src_dir_fd=directory, dst_dir_fd=parent, follow_symlinks=False
            )

    def _give(self, parent: int, name: str, entry: tarfile.TarInfo) -> None:
        owner = (entry.uid, entry.gid) if self._archive else self._owner
        if owner is None:
            return
        try:
            os.chown(name, *owner, dir_fd=parent, follow_symlinks=False)
        except PermissionError:
            self.left_out.append(f"the owner of `{entry.name}` cannot be set")

    def _mode(self, entry: tarfile.TarInfo) -> int:
        return entry.mode & (0o7777 if self._archive else 0o1777)

    @contextlib.contextmanager
    def _opened(self, parts: list[str], *, make: bool = False) -> Iterator[int]:
        """Give a directory below the first one, made where it is missing if that is wanted."""
        descriptor = os.dup(self._directory)
        try:
            for part in parts:
                try:
                    inner = os.open(part, _DIRECTORY, dir_fd=descriptor)
                except FileNotFoundError:
                    if not make:
                        raise
                    os.mkdir(part, 0o755, dir_fd=descriptor)
                    inner = os.open(part, _DIRECTORY, dir_fd=descriptor)
                except NotADirectoryError:
                    raise ContainerError(f"`{part}` is a file or a link, not a directory") from None
                os.close(descriptor)
                descriptor = inner
            yield descriptor
        finally:
            os.close(descriptor)


def _parts(name: str) -> list[str]:
    """Return the components of a name in an archive.

    Raises:
        ContainerError: it leads out of the directory.
    """
    parts = [part for part in name.split("/") if part not in {"", "."}]
    if ".." in parts:
        raise ContainerError(f"`{name}` leads out of the directory")
    return parts


def _set_time(descriptor: int, entry: tarfile.TarInfo) -> None:
    moment = round(entry.mtime * 10**9)
    os.utime(descriptor, ns=(moment, moment))

"""The directories of a tree being unpacked: opened once, found again, never left.

In:  clean relative names (``names.clean_name``) of directories that need not exist yet.
Out: directory descriptors below one root, and names in which no component is a link.

A symbolic link in the middle of a name is followed inside the root, as chroot(2) would: absolute
targets start at the root, ``..`` stops there. containerd and docker do the same, and archives in
use need it (``lib -> usr/lib`` before ``lib/x``).

Security: every component is opened with ``O_NOFOLLOW`` relative to its parent, so links are only
followed by this module's own text work.
Concurrency: one thread, and nobody else writes below the root.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import Self

from jettison.errors import UnsafeArchiveError
from jettison.fs.overlay_form import is_whiteout
from jettison.layer.header import show

_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_MAX_OPEN = 64
_MAX_LINKS = 40
_NEW_MODE = 0o700


class Directories:
    """Descriptors of the directories of one tree; a context manager that closes them.

    ``made`` holds the directories that were made because an entry needed them. ``hidden`` holds
    names with a whiteout in this layer: a directory that is made there is opaque, since the
    whiteout and not the directory says what becomes of the layers below.

    Args:
        root: A directory.
        opaque_xattr: The attribute that makes a directory opaque.
    """

    def __init__(self, root: str | os.PathLike[str], opaque_xattr: str) -> None:
        self._opaque_xattr = opaque_xattr
        self.root = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._open: dict[bytes, int] = {}
        self.made: set[bytes] = set()
        self.hidden: set[bytes] = set()

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(self, *exc: object) -> None:
        """Close all descriptors."""
        for descriptor in self._open.values():
            os.close(descriptor)
        self._open.clear()
        os.close(self.root)

    def enter(self, name: bytes, *, make: bool = True) -> tuple[int, bytes]:
        """Return (descriptor, name without links) of a directory; both hold until the next call.

        Missing directories are made with mode 0700 and noted in ``made``.

        Args:
            name: A clean name.
            make: Make what is missing.

        Raises:
            UnsafeArchiveError: a component is no directory, or links form a cycle.
            FileNotFoundError: it is missing and ``make`` is false.
            OSError: the file system refuses.
        """
        if not name:
            return self.root, name
        descriptor = self._open.get(name)
        if descriptor is not None:
            return descriptor, name
        return self._walk(name, make)

    def forget(self, name: bytes) -> None:
        """Close the descriptors of a directory and of all below it, before it is removed."""
        below = name + b"/"
        for path in [path for path in self._open if path == name or path.startswith(below)]:
            os.close(self._open.pop(path))
        if self.made:
            self.made = {path for path in self.made if path != name and not path.startswith(below)}

    def _walk(self, name: bytes, make: bool) -> tuple[int, bytes]:
        todo = name.split(b"/")[::-1]
        here = b""
        links = 0
        descriptor = self.root
        while todo:
            part = todo.pop()
            if part in {b"", b"."}:
                continue
            if part == b"..":
                here = here.rpartition(b"/")[0]
                descriptor = self._known(here)
                continue
            path = here + b"/" + part if here else part
            cached = self._open.get(path)
            if cached is not None:
                here, descriptor = path, cached
                continue
            target = self._step(descriptor, part, path, make)
            if target is None:
                here, descriptor = path, self._open[path]
                continue
            links += 1
            if links > _MAX_LINKS:
                raise UnsafeArchiveError(
                    f"`{show(name)}` goes through too many symbolic links",
                    hint="do not use this archive unless you know who made it",
                )
            if target.startswith(b"/"):
                here, descriptor = b"", self.root
            todo.extend(reversed(target.split(b"/")))
        return descriptor, here

    def _step(self, parent: int, part: bytes, path: bytes, make: bool) -> bytes | None:
        """Open one component and keep it; return the target when it is a symbolic link."""
        try:
            self._keep(path, os.open(part, _OPEN, dir_fd=parent))
        except FileNotFoundError:
            if not make:
                raise
            self._make(parent, part, path)
        except OSError as error:
            if error.errno not in {errno.ENOTDIR, errno.ELOOP}:
                raise
            st = os.stat(part, dir_fd=parent, follow_symlinks=False)
            if stat.S_ISLNK(st.st_mode):
                return os.readlink(part, dir_fd=parent)
            if not is_whiteout(st):
                raise UnsafeArchiveError(
                    f"`{show(path)}` is used as a directory but is none",
                    hint="make the archive again; its entries contradict each other",
                ) from None
            if not make:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)) from None
            os.unlink(part, dir_fd=parent)
            self._make(parent, part, path)
        return None

    def _make(self, parent: int, part: bytes, path: bytes) -> None:
        os.mkdir(part, _NEW_MODE, dir_fd=parent)
        self.made.add(path)
        descriptor = os.open(part, _OPEN, dir_fd=parent)
        self._keep(path, descriptor)
        if path in self.hidden:
            self.make_opaque(descriptor)

    def make_opaque(self, descriptor: int) -> None:
        """Make a directory hide what the layers below have in its place."""
        os.setxattr(descriptor, self._opaque_xattr, b"y")

    def _known(self, path: bytes) -> int:
        """Return the descriptor of a directory that exists and has no link in its name."""
        if not path:
            return self.root
        if path in self._open:
            return self._open[path]
        descriptor = os.dup(self.root)
        for part in path.split(b"/"):
            try:
                below = os.open(part, _OPEN, dir_fd=descriptor)
            finally:
                os.close(descriptor)
            descriptor = below
        self._keep(path, descriptor)
        return descriptor

    def _keep(self, path: bytes, descriptor: int) -> None:
        if len(self._open) >= _MAX_OPEN:
            # It may be the parent of this one: nothing is opened relative to it any more.
            oldest = next(iter(self._open))
            os.close(self._open.pop(oldest))
        self._open[path] = descriptor

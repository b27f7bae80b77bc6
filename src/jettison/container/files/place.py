"""Where ``cp`` reads and writes: a path below a root, which may be a container's.

In:  a descriptor of the root, a path as written.
Out: open directories and what is at names in them.

Security: whoever runs in the container may change links and directories at any time. The kernel
resolves each path below the root (openat2(2)), once, and all further work is done by descriptors.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from jettison.linux.files import open_in_root

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY


class Place(msgspec.Struct, frozen=True):
    """A path below a root.

    Args:
        root: Descriptor of a directory; the host's is that of ``/``.
        path: Absolute, as written.
        shown: How messages name it.
    """

    root: int
    path: str
    shown: str

    @property
    def name(self) -> str:
        """Its last component; empty for the root, and where it ends in ``/.`` or ``/..``."""
        name = os.path.basename(self.path.rstrip("/"))
        return "" if name in {".", ".."} else name

    @property
    def means_contents(self) -> bool:
        """Whether it names what is in a directory, as ``DIR/.`` does."""
        return self.path.rstrip("/").endswith("/.") or not self.path.strip("/.")

    @property
    def asks_for_directory(self) -> bool:
        """Whether it ends like a directory."""
        return self.path.endswith(("/", "/.", "/.."))

    def mode(self, *, follow: bool = True) -> int | None:
        """Return the mode of what is there; None for nothing.

        Raises:
            OSError: it cannot be reached.
        """
        flags = os.O_PATH if follow or self.asks_for_directory else os.O_PATH | os.O_NOFOLLOW
        try:
            descriptor = open_in_root(self.root, os.fsencode(self.path), flags)
        except FileNotFoundError:
            return None
        try:
            return os.fstat(descriptor).st_mode
        finally:
            os.close(descriptor)

    @contextmanager
    def opened(self) -> Iterator[int]:
        """Give the directory that is there."""
        descriptor = open_in_root(self.root, os.fsencode(self.path), _DIRECTORY)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    @property
    def parent(self) -> Place:
        """The directory that it is in."""
        path = os.path.dirname(self.path.rstrip("/")) or "/"
        return Place(self.root, path, os.path.dirname(self.shown.rstrip("/")) or self.shown)


def is_directory(mode: int | None) -> bool:
    """Tell whether a mode is that of a directory."""
    return mode is not None and stat.S_ISDIR(mode)

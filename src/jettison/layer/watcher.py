"""Who sees what is packed, so that nobody has to read a layer a second time.

In:  the entries of a layer, as ``layer.pack`` comes by them.
Out: which digests are wanted, and which marks are left out.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Protocol

NO_XATTRS: Mapping[str, bytes] = {}


class Watcher(Protocol):
    """Sees each entry once: parents first, names of a directory in the order of their bytes.

    Paths are relative to the layer's root, which is empty. Sockets are not shown.
    """

    def wants(self, path: bytes, /) -> bool:
        """Tell whether the sha256 of a file's bytes is wanted."""
        ...

    def drops(self, path: bytes, facts: os.stat_result, /) -> bool:
        """Tell whether a whiteout, or an opaque directory's mark, is to be left out."""
        ...

    def entry(
        self,
        path: bytes,
        facts: os.stat_result,
        /,
        *,
        first: bytes = b"",
        target: bytes = b"",
        xattrs: Mapping[str, bytes] = NO_XATTRS,
        opaque: bool = False,
        digest: bytes = b"",
    ) -> None:
        """Take note of an entry.

        Args:
            path: Its path.
            facts: As lstat(2) has them, with the owner that is intended.
            first: The first name of its inode, where this is a further one.
            target: Of a symbolic link.
            xattrs: Image attributes, sorted, of files and directories; others' are not read.
            opaque: Whether a directory hides what is below it.
            digest: Raw sha256 of a file's bytes, where it is wanted.
        """
        ...


class Unwatched:
    """Wants nothing and leaves nothing out."""

    def wants(self, _path: bytes, /) -> bool:
        """Tell that no digest is wanted."""
        return False

    def drops(self, _path: bytes, _facts: os.stat_result, /) -> bool:
        """Tell that a mark stays."""
        return False

    def entry(self, _path: bytes, _facts: os.stat_result, /, **_more: object) -> None:
        """Do nothing."""

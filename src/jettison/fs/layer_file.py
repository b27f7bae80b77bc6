"""One file of a layer directory, as those tell it who read it.

In:  what lstat(2) and reading gave.
Out: ``LayerFile``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

import msgspec


class LayerFile(msgspec.Struct, frozen=True):
    """One file of a layer directory.

    Args:
        path: Its path, relative to the layer's root, which is empty.
        stat: As lstat(2) has them, with the owner that is intended.
        first: The first name of its inode, where this is a further one.
        target: Of a symbolic link.
        xattrs: Image attributes, sorted by name.
        opaque: Whether a directory hides what is below it.
        sha256: Raw, of a file's bytes.
    """

    path: bytes
    stat: os.stat_result
    first: bytes = b""
    target: bytes = b""
    xattrs: Mapping[str, bytes] = {}
    opaque: bool = False
    sha256: bytes = b""

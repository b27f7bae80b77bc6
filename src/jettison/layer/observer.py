"""Observers of packing: they see each entry, so that nobody reads a layer a second time.

In:  the entries of a layer, as ``layer.pack`` comes by them.
Out: digests that are known or not wanted, and which marks are left out.
"""

from __future__ import annotations

import os
from typing import Protocol

from jettison.fs.layer_file import LayerFile


class LayerObserver(Protocol):
    """Sees each entry once: parents first, names of a directory in the order of their bytes.

    Paths are relative to the layer's root, which is empty. Sockets are not shown.
    """

    def known_digest(self, path: bytes, /) -> bytes | None:
        """Return the raw sha256 of a file's bytes, empty where nobody needs it.

        None asks for it to be computed.
        """
        ...

    def omits_whiteout(self, path: bytes, st: os.stat_result, /) -> bool:
        """Tell whether a whiteout, or an opaque directory's mark, is to be left out."""
        ...

    def entry(self, file: LayerFile, /) -> None:
        """Take note of an entry.

        Attributes are those of files and directories, others' are not read; the sha256 is what
        ``known_digest`` returned or asked for.
        """
        ...


class NullObserver:
    """Needs no digests and omits nothing."""

    def known_digest(self, _path: bytes, /) -> bytes | None:
        """Tell that no digest is needed."""
        return b""

    def omits_whiteout(self, _path: bytes, _st: os.stat_result, /) -> bool:
        """Tell that a mark stays."""
        return False

    def entry(self, _file: LayerFile, /) -> None:
        """Do nothing."""

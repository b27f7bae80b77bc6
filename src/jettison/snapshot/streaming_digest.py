"""Streaming content digest: a change is digested while it is packed.

In:  the entries of a layer directory, in the order of ``layer.pack`` (which is that of ``walk``).
Out: what ``changes.change_digests`` returns, and no file was read a second time.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

import msgspec

from jettison.fs.layer_file import LayerFile
from jettison.fs.overlay_form import is_whiteout
from jettison.snapshot.base import Change
from jettison.snapshot.changes import drop_whiteout, image_attributes
from jettison.snapshot.digests import ChangeDigests, ChangeHasher

_PACKED_XATTRS = frozenset({stat.S_IFREG, stat.S_IFDIR})
"""Kinds of files whose attributes come with the entry."""


class StreamingContentDigest:
    """Digests a change; a ``layer.observer.LayerObserver``.

    Args:
        upper: The layer directory.
        change: What is known about it.
    """

    def __init__(self, upper: Path, change: Change) -> None:
        self._base = os.fspath(upper)
        self._known = {os.fsencode(path): digest for path, digest in change.known.items()}
        self._below = change.below
        self._hasher = ChangeHasher(change.clock_ns)

    def known_digest(self, path: bytes, /) -> bytes | None:
        """Return the raw sha256 of a file, None if it is not known."""
        return self._known.get(path)

    def omits_whiteout(self, path: bytes, st: os.stat_result, /) -> bool:
        """Tell whether a mark hides nothing; it is taken away then.

        Raises:
            OSError: it cannot be taken away.
        """
        if self._below is None:
            return False
        name = os.fsdecode(path)
        return drop_whiteout(f"{self._base}/{name}", name, st, self._below)

    def entry(self, file: LayerFile, /) -> None:
        """Digest an entry; see ``LayerObserver``."""
        st = file.stat
        if not (stat.S_IFMT(st.st_mode) in _PACKED_XATTRS or file.first or is_whiteout(st)):
            xattrs, _ = image_attributes(f"{self._base}/{os.fsdecode(file.path)}")
            file = msgspec.structs.replace(file, xattrs=xattrs)
        self._hasher.add(file)

    def result(self) -> ChangeDigests:
        """Return the digests, once the last entry was seen."""
        return self._hasher.digests()

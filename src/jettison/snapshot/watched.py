"""The content digest of a change that somebody else reads anyway: while it is packed.

In:  the entries of a layer directory, in the order of ``layer.pack`` (which is that of ``walk``).
Out: what ``changes.content_digest`` returns, and no file was read a second time.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping
from pathlib import Path

import msgspec

from jettison.fs.layer_file import LayerFile
from jettison.fs.overlay_form import is_whiteout
from jettison.fs.tree import Tree
from jettison.oci.digest import Digest
from jettison.snapshot.changes import CONTENT_VERSION, drop_mark, fields, image_attributes
from jettison.store.layers import LayerFacts


class WatchedChange:
    """Digests a change; a ``layer.watcher.Watcher``.

    Args:
        upper: The layer directory.
        known: See ``content_digest``.
        below: See there.
    """

    def __init__(
        self, upper: Path, known: Mapping[str, bytes] | None = None, below: Tree | None = None
    ) -> None:
        self._base = os.fspath(upper)
        self._known = {os.fsencode(path): digest for path, digest in (known or {}).items()}
        self._below = below
        self._hasher = hashlib.sha256(CONTENT_VERSION)
        self._encode = msgspec.msgpack.Encoder().encode
        self._size = 0
        self._entries = -1  # the root is none

    def wants(self, path: bytes, /) -> bool:
        """Tell whether the sha256 of a file is not known."""
        return path not in self._known

    def drops(self, path: bytes, facts: os.stat_result, /) -> bool:
        """Tell whether a mark hides nothing; it is taken away then.

        Raises:
            OSError: it cannot be taken away.
        """
        if self._below is None:
            return False
        name = os.fsdecode(path)
        return drop_mark(f"{self._base}/{name}", name, facts, self._below)

    def entry(self, file: LayerFile, /) -> None:
        """Digest an entry; see ``Watcher``."""
        self._entries += 1
        facts = file.facts
        kind = stat.S_IFMT(facts.st_mode)
        if file.first or is_whiteout(facts):
            pass
        elif kind == stat.S_IFREG:
            self._size += facts.st_size
            if not file.sha256:
                file = msgspec.structs.replace(file, sha256=self._known[file.path])
        elif kind != stat.S_IFDIR:
            xattrs, _ = image_attributes(f"{self._base}/{os.fsdecode(file.path)}")
            file = msgspec.structs.replace(file, xattrs=xattrs)
        self._hasher.update(self._encode(fields(file)))

    def result(self) -> tuple[Digest, LayerFacts]:
        """Return the digest and the facts, once the last entry was seen."""
        facts = LayerFacts(size_bytes=self._size, entries=self._entries)
        return Digest("sha256:" + self._hasher.hexdigest()), facts

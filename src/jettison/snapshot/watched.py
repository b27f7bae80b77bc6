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

from jettison.fs.overlay_form import is_whiteout
from jettison.fs.tree import Tree
from jettison.oci.digest import Digest
from jettison.snapshot.changes import CONTENT_VERSION, drop_mark, fields, image_attributes
from jettison.store.layers import LayerFacts

_NO_XATTRS: Mapping[str, bytes] = {}


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

    def entry(
        self,
        path: bytes,
        facts: os.stat_result,
        /,
        *,
        first: bytes = b"",
        target: bytes = b"",
        xattrs: Mapping[str, bytes] = _NO_XATTRS,
        opaque: bool = False,
        digest: bytes = b"",
    ) -> None:
        """Digest an entry; see ``Watcher``."""
        self._entries += 1
        mode = facts.st_mode
        is_file = stat.S_ISREG(mode)
        if is_file and not first:
            self._size += facts.st_size
            digest = digest or self._known[path]
        if is_file or stat.S_ISDIR(mode):
            attributes = tuple((os.fsencode(name), value) for name, value in xattrs.items())
        elif first or is_whiteout(facts):
            attributes = ()
        else:
            attributes = image_attributes(f"{self._base}/{os.fsdecode(path)}")[0]
        described = fields(
            path,
            facts,
            first=first,
            target=target,
            attributes=attributes,
            opaque=opaque,
            sha256=digest,
        )
        self._hasher.update(self._encode(described))

    def result(self) -> tuple[Digest, LayerFacts]:
        """Return the digest and the facts, once the last entry was seen."""
        facts = LayerFacts(size_bytes=self._size, entries=self._entries)
        return Digest("sha256:" + self._hasher.hexdigest()), facts

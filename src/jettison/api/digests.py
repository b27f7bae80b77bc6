"""Digests of files in layers: as listings know them, else read once.

In:  the files of a root file system.
Out: sha256 of single files.
"""

from __future__ import annotations

import os
import stat

from jettison.api.session import Session
from jettison.fs.digest import file_sha256
from jettison.fs.listing import empty_listing
from jettison.fs.visible import Seen
from jettison.provenance.chain import StackFiles


class FileDigests:
    """Digests of the files of a root file system.

    Args:
        session: The store.
        files: They.
        read: Whether files of layers whose listings hold no digests (base images) are read.
    """

    def __init__(self, session: Session, files: StackFiles, *, read: bool = True) -> None:
        self._session = session
        self._files = files
        self._read = read
        self._known: dict[Seen, bytes] = {}

    def __call__(self, seen: Seen) -> bytes:
        """Return the raw sha256 of a regular file, empty if it cannot be known.

        Raises:
            NamespaceRequired: it must be read, and the process may not do that as it is.
        """
        listing = self._files.listing(seen.layer) or empty_listing()
        known = listing.digests.get(seen.entry) or self._known.get(seen)
        if known is None and self._read:
            self._session.require_namespace()
            layer = self._files.layers[seen.layer].layer
            place = os.fspath(self._session.layer_store.directory(layer))
            known = self._known[seen] = _sha256(place + listing.paths[seen.entry])
        return known or b""


def _sha256(path: str) -> bytes:
    """Return the sha256 of a regular file; nothing if it is none, or is not here."""
    try:
        return file_sha256(path) if stat.S_ISREG(os.lstat(path).st_mode) else b""
    except OSError:
        return b""

"""What holds a cache, as a protocol: a registry, a directory, a bucket.

In:  packs, and blobs of layers.
Out: the same, verified by their digests.

Concurrency: safe for threads, and for processes on several machines: who writes the index reads it
first, and what two write at the same time is both in it afterwards, or, where a place knows no
better, found missing and written again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import BinaryIO, Protocol

from jettison.oci.digest import Digest
from jettison.oci.manifest import Descriptor
from jettison.remote.index import MadePack, PackEntry
from jettison.remote.record import Pack

Change = Callable[[Sequence[PackEntry]], "tuple[MadePack, list[PackEntry]] | None"]
"""Returns the pack to be written and the entries of the new index, of those that there are; None if
nothing is to be written. It may be called again when somebody else was faster."""


class CacheBackend(Protocol):
    """Keeps the packs and blobs of one cache."""

    @property
    def source(self) -> str:
        """Where its blobs are, as the source of a remote layer (``image.remote``)."""
        ...

    def entries(self) -> list[PackEntry]:
        """Return its packs, newest first; none if there is no cache yet.

        Raises:
            JettisonError: it cannot be read, or is no cache.
        """
        ...

    def read(self, entry: PackEntry) -> Pack:
        """Return a pack, verified.

        Raises:
            JettisonError: they cannot be had, or are others.
        """
        ...

    def put_blob(
        self, descriptor: Descriptor, opened: Callable[[], BinaryIO], *, again: bool = False
    ) -> None:
        """Make it have a blob.

        Args:
            descriptor: It.
            opened: Opens its bytes.
            again: What it has under this digest is damaged.

        Raises:
            JettisonError: it cannot be written.
        """
        ...

    def has_blob(self, digest: Digest) -> bool:
        """Tell whether it has a blob.

        Raises:
            JettisonError: it cannot be asked.
        """
        ...

    def keep(self, blobs: Collection[Descriptor]) -> None:
        """Let it know that blobs are in use, where it removes what was not used for long.

        Raises:
            JettisonError: it cannot be asked.
        """
        ...

    def update(self, change: Change) -> None:
        """Change what there is; the blobs of the new pack are there already.

        Raises:
            JettisonError: it cannot be written.
        """
        ...

    def collect(self, packs: Collection[PackEntry]) -> None:
        """Remove blobs that no pack names any more, as far as this place allows it.

        Args:
            packs: Entries that were taken out of the index.
        """
        ...

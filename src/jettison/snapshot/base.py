"""Snapshots: the change that one vertex or one image layer made, as a directory.

A *layer* here is one committed, immutable directory in overlay form; a *stack* is a sequence of
layers, base first, that together are a root file system. Layers are named by the digest of all
that they hold, times included, so an equal change is stored once. Another digest, which leaves out
times that say only when a step ran, tells whether a step that ran again has the result that it had.

On disk (below the store's root)::

    snapshots/<kind><hex of the id>/fs      the overlay layer directory
    snapshots/<kind><hex of the id>/meta    msgpack ``LayerInfo``
    tmp/<owner>/<n>/{fs,work}               an active snapshot

Whiteouts are character devices 0:0; an opaque directory has ``trusted.overlay.opaque=y`` (root)
or ``user.overlay.opaque=y`` (in a user namespace).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import msgspec

from jettison.fs.ownership import Ownership
from jettison.fs.tree import Tree
from jettison.oci.digest import Digest
from jettison.store.layer import LayerId
from jettison.store.layers import LayerFacts

if TYPE_CHECKING:
    from jettison.fs.listing import Listing
    from jettison.snapshot.digests import ChangeDigests

ALL_TELL = (1 << 63) - 1
"""``clock_ns`` of a layer all of whose times say something: one that came with an image."""


class LayerInfo(msgspec.Struct, frozen=True):
    """What is written beside the files of a layer, and returned by ``commit``.

    What else is known of a layer, with or without files, is in ``store.layers.Layer``.

    Args:
        id: Its name.
        size_bytes: Bytes of regular files, hard links once.
        entries: Number of them.
        content: Digest by which steps on it are keyed; empty for layers of images, and for those
            of versions that knew none.
        clock_ns: Times from here on say only when the layer was made (``ChangeHasher``).
    """

    id: LayerId
    size_bytes: int
    entries: int
    content: str = ""
    clock_ns: int = 0


class Change(msgspec.Struct, frozen=True):
    """What is known about the change in an active snapshot.

    Args:
        known: sha256 digests, by path relative to ``upper``, of files that need not be read again:
            of hard links into committed layers, and of copies whose source is known.
        below: What the change was made on: marks that hide nothing of it are taken away.
        clock_ns: Times from here on say only when the layer was made (``ChangeHasher``).
        previous: Returns the layer that the previous run of the same step made, if that has this
            content and can be had: it stands in for the new one.
    """

    known: Mapping[str, bytes] = {}
    below: Tree | None = None
    clock_ns: int = 0
    previous: Callable[[Digest], LayerInfo | None] | None = None


NOTHING_KNOWN = Change()


class ActiveSnapshot(msgspec.Struct, frozen=True):
    """A writable directory that is not visible to anybody yet.

    ``upper`` and ``work`` are an overlay's upper and work directories on one file system.
    """

    path: Path
    upper: Path
    work: Path


class LayerStore(Protocol):
    """Keeps layers as directories; safe against other processes with the same store."""

    @property
    def ownership(self) -> Ownership:
        """How owners are kept in them."""
        ...

    def prepare(self, below: Sequence[LayerId] = ()) -> ActiveSnapshot:
        """Make an empty active snapshot.

        ``below`` is the stack it will be mounted on, all of whose layers are here as files: its
        root directory takes over mode, owner and attributes, since a mount shows the top's.
        A layer that is made without looking at its base (COPY, WORKDIR) has none below.
        """
        ...

    def commit(
        self,
        active: ActiveSnapshot,
        change: Change = NOTHING_KNOWN,
        *,
        digests: ChangeDigests | None = None,
    ) -> LayerInfo:
        """Digest an active snapshot and make it a layer by renaming; an equal layer wins.

        The active snapshot is gone afterwards. Its empty change gives the empty layer.
        ``digests`` are those of the change, where somebody computed them already.
        """
        ...

    def commit_as(
        self, active: ActiveSnapshot, layer: LayerId, facts: LayerFacts | None = None
    ) -> LayerInfo:
        """Make an active snapshot the layer of a given name (unpacked image layers).

        ``facts`` spare a walk where the caller knows them.
        """
        ...

    def discard(self, active: ActiveSnapshot) -> None:
        """Remove an active snapshot."""
        ...

    def info(self, layer: LayerId) -> LayerInfo | None:
        """Return the facts of a layer, or None when it is not here as files."""
        ...

    def directory(self, layer: LayerId) -> Path:
        """Return the overlay directory of a layer that is here."""
        ...

    def digests(self, layer: LayerId) -> dict[str, bytes]:
        """Return raw sha256 of files of a layer by path, as far as they were kept at ``commit``."""
        ...

    def listing(self, layer: LayerId) -> Listing | None:
        """Return the entries of a layer, made if none were kept; None when it is not here."""
        ...

    def remove(self, layer: LayerId) -> None:
        """Forget a layer's files."""
        ...

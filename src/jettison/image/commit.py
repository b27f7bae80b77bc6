"""Commits a change and packs it, in one pass: each file is read once.

In:  an active snapshot at rest.
Out: a layer; its diff ID and, if wanted, its blob.

The tar is only worth something under the layer's name: the layer of an earlier run of the step may
stand in, whose times are others, and so its tar. So the blob is kept when it was this very
directory that became the layer.

Packing is not needed for the result. When it fails or is not wanted any more, the change is still
digested and committed, and whoever needs the tar packs it later, and tells what is wrong with it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from jettison.errors import ContentError, JettisonError
from jettison.fs.os_errors import storage_errors
from jettison.layer.codec import TarSink
from jettison.layer.pack import pack
from jettison.oci.digest import Digest
from jettison.oci.manifest import Descriptor
from jettison.oci.mediatype import OCI_LAYERS
from jettison.snapshot.base import ActiveSnapshot, Change, LayerInfo, LayerStore
from jettison.snapshot.streaming_digest import StreamingContentDigest
from jettison.store.blobs import BlobWriter
from jettison.store.layer import LayerId
from jettison.store.layers import packed_name
from jettison.store.store import Store


class PackingCommitter:
    """Commits changes to one store; thread-safe.

    Args:
        store: Keeps blobs and what is known about layers.
        layer_store: Keeps files.
    """

    def __init__(self, store: Store, layer_store: LayerStore) -> None:
        self._store = store
        self._layer_store = layer_store

    def commit(
        self,
        active: ActiveSnapshot,
        change: Change,
        compression: str,
        level: int | None,
        *,
        cancelled: Callable[[], bool],
    ) -> LayerInfo:
        """Commit a change; see ``LayerStore.commit``.

        Args:
            active: It; gone afterwards.
            change: See there.
            compression: Of the blob; empty wants the diff ID only.
            level: Of the compressor; None is its default.
            cancelled: Tells when nothing but committing is wanted any more.

        Raises:
            StorageError: it cannot be read or renamed.
        """
        digest = StreamingContentDigest(active.upper, change)
        with _Tar(self._store, compression, level, cancelled) as tar:
            try:
                with storage_errors(active.upper):
                    pack(active.upper, self._layer_store.ownership, tar.write, observer=digest)
            except ContentError:
                return self._layer_store.commit(active, change)
            with storage_errors(active.upper):
                made = os.stat(active.upper)
            info = self._layer_store.commit(active, change, digests=digest.result())
            if _is_at(made, self._layer_store.directory(info.id)):
                tar.keep(info.id)
        return info


def _is_at(st: os.stat_result, path: Path) -> bool:
    """Tell whether a directory is at a path now."""
    try:
        return os.path.samestat(st, os.stat(path))
    except OSError:
        return False


class _Tar:
    """The tar of a change that has no name yet; gives up quietly."""

    def __init__(
        self,
        store: Store,
        compression: str,
        level: int | None,
        cancelled: Callable[[], bool],
    ) -> None:
        self._store = store
        self._compression = compression
        self._level = level
        self._cancelled = cancelled
        self._resources = ExitStack()
        self._writer: BlobWriter | None = None
        self._sink: TarSink | None = None

    def __enter__(self) -> Self:
        try:
            if self._compression:
                self._writer = self._resources.enter_context(self._store.blobs.writer())
                sink = TarSink(self._writer.write, self._compression, self._level)
            else:
                sink = TarSink(None)
            self._sink = self._resources.enter_context(sink)
        except (JettisonError, OSError):
            self._give_up()
        return self

    def __exit__(self, *_: object) -> None:
        self._give_up()

    def write(self, data: bytes) -> None:
        """Take a piece, unless this was given up."""
        if self._sink is None:
            return
        if self._cancelled():
            self._give_up()
            return
        try:
            self._sink.write(data)
        except (JettisonError, OSError):
            self._give_up()

    def keep(self, layer: LayerId) -> None:
        """Note the diff ID of a layer, and its blob; ``write`` took its whole tar."""
        if self._sink is None:
            return
        try:
            diff_id = self._sink.finish()
            if self._store.layers.find(layer).diff_id in {None, diff_id}:
                self._note(layer, diff_id)
        except (JettisonError, OSError):
            self._give_up()

    def _note(self, layer: LayerId, diff_id: Digest) -> None:
        if self._writer is None:
            self._store.layers.set_diff_id(layer, diff_id)
            return
        size = self._writer.size_bytes
        descriptor = Descriptor(OCI_LAYERS[self._compression], self._writer.commit(), size)
        name = packed_name(self._compression, self._level)
        self._store.layers.add_blob(layer, diff_id, descriptor, name)

    def _give_up(self) -> None:
        self._sink = None
        self._resources.close()

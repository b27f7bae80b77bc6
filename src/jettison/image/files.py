"""Layers as files: what is missing is downloaded, verified and unpacked, all at the same time.

In:  layers of which the store has a blob, or knows where one is.
Out: overlay directories.

A blob that comes from a registry is kept: an export reuses it as it is.

Security: a layer counts only when its blob has the digest of its descriptor and its tar the diff
ID of the image's config; until then nothing of it is visible.
Concurrency: safe for threads and processes; two that need a layer unpack it once.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import TypeVar

from jettison.cache.lost import note_lost
from jettison.concurrency import SingleFlight, processors
from jettison.errors import (
    CachedLayerError,
    ContentError,
    DigestMismatchError,
    SourceError,
    StorageError,
)
from jettison.events import Progress
from jettison.fs.os_errors import storage_errors
from jettison.fs.overlay_form import has_opaque_root, lowers_in_effect
from jettison.image.parallel import Stop, run_parallel
from jettison.image.remote import RemoteBlobs, TeeReader
from jettison.layer.codec import unpack_layer
from jettison.layer.decompress import open_decompressed
from jettison.layer.threads import HashThread
from jettison.layer.unpack import Lower, MissingTargetError, Unpacked, Wanted
from jettison.oci.digest import Digest
from jettison.oci.manifest import Descriptor
from jettison.oci.mediatype import LAYER_COMPRESSION
from jettison.snapshot.base import ActiveSnapshot, Change, LayerStore
from jettison.snapshot.stack import StackTree
from jettison.store.layer import LayerId, Stack, is_image_layer, made_layer_id
from jettison.store.layers import LayerFacts
from jettison.store.store import Store

T = TypeVar("T")

_GONE = 404
_PARALLEL = 4
_MANY_BYTES = 32 << 20
"""Compressed: from here on processors are what unpacking waits for, and more threads disturb."""
_CHUNK_BYTES = 1 << 20


class LayerUnpacker:
    """Makes layers be here as files.

    Args:
        store: Keeps blobs.
        layer_store: Keeps files.
        remote: Has what the store does not have.
    """

    def __init__(self, store: Store, layer_store: LayerStore, remote: RemoteBlobs) -> None:
        self._store = store
        self._layer_store = layer_store
        self._remote = remote
        self._here: dict[LayerId, Path] = {}
        self._hides_all = cache(has_opaque_root)
        self._unpacked: SingleFlight[LayerId, Path] = SingleFlight()

    def materialise(self, layers: Stack, report: Progress) -> list[Path]:
        """Return the directories of layers, in order; make what is missing.

        Those below an opaque root are left out: a mount would show them (``fs.overlay_form``).

        Raises:
            ContentError: a blob is not what its image says.
            SourceError: a blob cannot be had.
            StorageError: no space, or nothing is left of a layer.
        """
        numbers: dict[LayerId, int] = {}
        for number, layer in enumerate(layers):
            numbers.setdefault(layer, number)
        missing = [
            number
            for layer, number in numbers.items()
            if not self._is_here(layer) and self._layer_store.info(layer) is None
        ]
        if missing:
            self._make(layers, missing, report)
        for layer in layers:
            if layer not in self._here:
                self._here[layer] = self._layer_store.directory(layer)
        return list(lowers_in_effect([self._here[layer] for layer in layers], self._hides_all))

    def _make(self, layers: Stack, missing: Sequence[int], report: Progress) -> None:
        """Fetch and unpack the layers of some numbers: large ones first, which take longest."""
        sizes = {number: self._blob_bytes(layers[number]) for number in missing}
        few = max(2, min(_PARALLEL, processors()))
        limit = _PARALLEL if sum(sizes.values()) < _MANY_BYTES else few
        under_way: dict[LayerId, threading.Event] = {}
        too_early: list[int] = []

        def ensure(number: int, stop: Stop) -> None:
            try:
                self._ensure(layers[: number + 1], under_way, report, stop)
            except _TooEarlyError:
                del under_way[layers[number]]
                too_early.append(number)

        order = sorted(missing, key=lambda number: (-sizes[number], number))
        run_parallel([partial(ensure, number) for number in order], limit=limit)
        for number in sorted(too_early):  # those below are here, or were made before in this loop
            self._ensure(layers[: number + 1], under_way, report, Stop())

    def _blob_bytes(self, layer: LayerId) -> int:
        blob = self._store.layers.find(layer).blob
        return blob.descriptor.size if blob is not None else 0

    def _is_here(self, layer: LayerId) -> bool:
        """Tell whether a layer that was found before is still there.

        Committed layers never change, and a build of n steps asks n times about each; but between
        two builds of one session they may be removed.
        """
        found = self._here.get(layer)
        if found is None or os.path.isdir(found):
            return found is not None
        del self._here[layer]
        return False

    def _ensure(
        self,
        layers: Stack,
        under_way: dict[LayerId, threading.Event],
        report: Progress,
        stop: Stop,
    ) -> None:
        *below, layer = layers
        made = under_way[layer] = threading.Event()
        job = partial(self._unpack_once, layer, below, under_way, report, stop)
        self._unpacked.get(layer, job)
        made.set()

    def _unpack_once(
        self,
        layer: LayerId,
        below: Sequence[LayerId],
        under_way: dict[LayerId, threading.Event],
        report: Progress,
        stop: Stop,
    ) -> Path:
        with self._store.lock(f"layer-{layer}").held(remove=True):
            if self._layer_store.info(layer) is None:
                lower = _Lower(self._layer_store, below, under_way, stop)
                unpack = partial(self._unpack, layer, lower, report, stop)
                with on_cached_layer(self._store, layer):
                    self.or_try_again(layer, unpack, report, stop)
        return self._layer_store.directory(layer)

    def unpack_alone(self, layer: LayerId, report: Progress, stop: Stop) -> bool:
        """Unpack a layer that a build cache has, without those below; False if it takes them.

        Raises:
            CachedLayerError: it is not what the cache says.
            StorageError: no space.
        """
        with (
            self._store.lock(f"layer-{layer}").held(remove=True),
            on_cached_layer(self._store, layer),
        ):
            if self._layer_store.info(layer) is not None:
                return True
            job = partial(self._unpack_alone, layer, report, stop)
            return self.or_try_again(layer, job, report, stop)

    def _unpack_alone(self, layer: LayerId, report: Progress, stop: Stop) -> bool:
        active = self._layer_store.prepare()
        try:
            self.unpack_into(layer, active.upper, report, stop)
            self._commit_cached(active, layer)
        except MissingTargetError:
            self._layer_store.discard(active)
            return False
        except BaseException:
            self._layer_store.discard(active)
            raise
        return True

    def or_try_again(
        self, layer: LayerId, unpack: Callable[[], T], report: Progress, stop: Stop
    ) -> T:
        """Unpack a layer; what was wrong may have been damaged on its way, and is fetched anew.

        Where a blob is right in itself and not what its image says, the place that it came from
        is forgotten: another image may name one that has the right blob.
        """
        blob = self._store.layers.find(layer).blob
        fetched = blob is not None and not self._store.blobs.has(blob.descriptor.digest)
        try:
            return unpack()
        except ContentError:
            if blob is None or not fetched:
                raise
            self._remote.fetch(self._store, blob.descriptor, blob.source, report=report, stop=stop)
            try:
                return unpack()
            except ContentError:
                self._store.blobs.remove(blob.descriptor.digest)
                self._store.layers.drop_remote(layer)
                raise

    def unpack_into(
        self,
        layer: LayerId,
        directory: Path,
        report: Progress,
        stop: Stop,
        *,
        lower: Lower | None = None,
        wanted: Wanted | None = None,
    ) -> Unpacked:
        """Unpack a layer into an empty directory; a blob that is not here is fetched and kept.

        Args:
            layer: An image's.
            directory: Nothing in it counts when this fails.
            report: Called with bytes, under the digest of the blob.
            stop: Ends it.
            lower: See ``layer.unpack``.
            wanted: See there.

        Raises:
            MissingTargetError: the layers below are needed, and there is no ``lower``.
            ContentError, SourceError, StorageError: as ``materialise``.
        """
        known = self._store.layers.find(layer)
        blob, diff_id = known.blob, known.diff_id
        if blob is None or diff_id is None:
            raise StorageError(
                f"layer `{layer}` is neither here nor known to be at a registry",
                hint="pull, load or build its image again",
            )
        descriptor = blob.descriptor
        compression = LAYER_COMPRESSION[descriptor.media_type]
        ownership = self._layer_store.ownership
        path = self._store.blobs.path(descriptor.digest)
        if path.exists():
            with storage_errors(path), path.open("rb") as file:
                stream = TeeReader(file, None, descriptor, report, stop)
                return unpack_layer(
                    stream, compression, directory, ownership, diff_id, lower=lower, wanted=wanted
                )[0]
        with self._remote.tee(self._store, descriptor, blob.source, report, stop) as (
            stream,
            writer,
        ):
            result, _ = unpack_layer(
                stream, compression, directory, ownership, diff_id, lower=lower, wanted=wanted
            )
            writer.commit()
        self._store.layers.add_blob(layer, diff_id, descriptor)
        return result

    def _unpack(self, layer: LayerId, lower: _Lower, report: Progress, stop: Stop) -> None:
        active = self._layer_store.prepare()
        try:
            result = self.unpack_into(layer, active.upper, report, stop, lower=lower.find)
            if is_image_layer(layer):
                facts = LayerFacts(size_bytes=result.size_bytes, entries=result.entries)
                self._layer_store.commit_as(active, layer, facts)
            else:
                self._commit_cached(active, layer)
        except BaseException:
            self._layer_store.discard(active)
            raise

    def _commit_cached(self, active: ActiveSnapshot, layer: LayerId) -> None:
        """Commit a layer that a cache had, if it is what its name says.

        Raises:
            DigestMismatchError: it is another one, or its content digest is.
        """
        from jettison.snapshot.changes import change_digests

        claim = self._store.layers.find(layer).claim
        clock_ns = claim.clock_ns if claim is not None else 0
        ownership = self._layer_store.ownership
        with storage_errors(active.upper):
            digests = change_digests(active.upper, ownership, clock_ns=clock_ns)
        found = made_layer_id(digests.identity)
        if found != layer or (claim is not None and claim.content != digests.content):
            raise DigestMismatchError(f"a cache says `{layer}` of the layer `{found}`")
        self._layer_store.commit(active, Change(clock_ns=clock_ns), digests=digests)
        self._store.layers.confirm(layer)


@contextmanager
def on_cached_layer(store: Store, layer: LayerId) -> Iterator[None]:
    """Forget where a layer of a build cache is when that turns out to be wrong in the block.

    Raises:
        CachedLayerError: in place of the errors that say so; the build can go on without it.
    """
    claimed = not is_image_layer(layer) and store.layers.find(layer).remote is not None
    try:
        yield
    except (ContentError, SourceError) as error:
        if not claimed:
            raise
        store.layers.drop_remote(layer)
        if isinstance(error, ContentError) or getattr(error, "status", 0) == _GONE:
            note_lost(store.database, layer)
        raise CachedLayerError(
            f"a layer of the build cache cannot be used: {error.message}", layer=layer
        ) from error


def verify_blob(store: Store, descriptor: Descriptor, diff_id: Digest) -> None:
    """Check that a blob of the store holds the tar that an image's config says.

    Raises:
        DigestMismatchError: it holds another one.
        UnsafeArchiveError: it cannot be decompressed.
    """
    path = store.blobs.path(descriptor.digest)
    algorithm = diff_id.partition(":")[0]
    with (
        storage_errors(path),
        path.open("rb") as file,
        open_decompressed(file, LAYER_COMPRESSION[descriptor.media_type]) as tar,
        HashThread(algorithm) as hashing,
    ):
        while chunk := tar.read(_CHUNK_BYTES):
            hashing.update(chunk)
        found = hashing.digest()
    if found != diff_id:
        raise DigestMismatchError(
            f"layer `{descriptor.digest}` holds the tar `{found}`, but the image's config says"
            f" `{diff_id}`",
            hint="the image is damaged or forged; get it from another place",
        )


class _TooEarlyError(Exception):
    """A layer needs one below it that nobody has begun to unpack."""


class _Lower:
    """Finds files of the layers below, which may still be on their way.

    Waiting is for layers further down only, which wait for others further down: it ends.
    """

    def __init__(
        self,
        layer_store: LayerStore,
        below: Sequence[LayerId],
        under_way: dict[LayerId, threading.Event],
        stop: Stop,
    ) -> None:
        self._layer_store = layer_store
        self._below = below
        self._under_way = under_way
        self._stop = stop
        self._tree: StackTree | None = None

    def find(self, path: str) -> str | None:
        if self._tree is None:
            for layer in self._below:
                if self._layer_store.info(layer) is not None:
                    continue
                made = self._under_way.get(layer)
                if made is None:
                    raise _TooEarlyError
                while not made.wait(0.1):
                    self._stop.check()  # a failure sets it
                    if self._under_way.get(layer) is not made:
                        raise _TooEarlyError
            directories = [self._layer_store.directory(layer) for layer in self._below]
            self._tree = StackTree(directories, self._layer_store.ownership)
        try:
            return self._tree.host_path(f"/{path.lstrip('/')}")
        except FileNotFoundError:
            return None

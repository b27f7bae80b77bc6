"""Writes a cache: layers leave while the build goes on, records when it has ended.

In:  layers as they are made; then what a build has solved.
Out: blobs and one pack in a cache, which names only what was not in it before.

Concurrency: a few threads send layers, each layer once. They are idle while nothing is made, and
all ended when the writer is closed.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import BinaryIO, Protocol

import msgspec

from jettison.concurrency import SingleFlight
from jettison.errors import ExportError, JettisonError, StorageError
from jettison.events import Progress
from jettison.image.manifest import Compression
from jettison.image.parallel import Abandoned, Stop, run_parallel
from jettison.oci.digest import Digest, raw
from jettison.oci.manifest import Descriptor
from jettison.oci.mediatype import OCI_LAYER
from jettison.remote.backend import CacheBackend
from jettison.remote.index import MadePack, PackEntry, add_pack, make_pack, total_bytes, within
from jettison.remote.options import CacheExport
from jettison.remote.reader import CacheReader
from jettison.remote.record import CacheRecord, MountRecord, Pack
from jettison.snapshot.base import LayerStore
from jettison.store.layer import LayerId, is_image_layer
from jettison.store.store import Store

_MAX_ORIGINS_BYTES = 4 << 10
_CLOSE_SECONDS = 5.0


class Made(msgspec.Struct, frozen=True):
    """A solved step that has a layer.

    Args:
        key: Its cache key.
        layer: It.
        name: What the step is called.
        created_ns: When the layer was made.
        duration_ns: How long that took.
        origins: Name of the origins of its files, and they; None without.
    """

    key: Digest
    layer: LayerId
    name: str
    created_ns: int
    duration_ns: int
    origins: tuple[str, bytes] | None = None


class PackedLayers(Protocol):
    """Makes and fetches blobs of layers (``image.layers.LayerBlobs``)."""

    def diff_id(self, layer: LayerId, stop: Stop | None = None) -> Digest:
        """Return the digest of a layer's tar."""
        ...

    def describe(
        self,
        layer: LayerId,
        compression: str = "gzip",
        *,
        level: int | None = None,
        force: bool = False,
        stop: Stop | None = None,
    ) -> Descriptor:
        """Return the descriptor of a layer's blob, packed if need be."""
        ...

    def fetch(
        self, layer: LayerId, descriptor: Descriptor, report: Progress = ..., *, source: str = ""
    ) -> Descriptor:
        """Make the store have a blob."""
        ...


class Layers(msgspec.Struct, frozen=True):
    """Where layers are: the store, as files, as blobs."""

    store: Store
    files: LayerStore
    blobs: PackedLayers


class CacheWriter:
    """One cache that is written.

    Args:
        wanted: What was asked for.
        backend: The cache.
        reader: Reads the same cache: what it has need not be written.
        layers: Where layers are.
        refused: Layers that turned out to be lost or wrong.
        form: How layers are compressed.
    """

    def __init__(
        self,
        wanted: CacheExport,
        backend: CacheBackend,
        reader: CacheReader,
        layers: Layers,
        refused: Collection[LayerId],
        form: Compression,
    ) -> None:
        self._form = form
        self.wanted = wanted
        self._backend = backend
        self._reader = reader
        self._layers = layers
        self._refused = refused
        self._sent: SingleFlight[LayerId, Descriptor] = SingleFlight()
        self._done: dict[LayerId, Descriptor] = {}
        self._stop = Stop()
        self._queue: queue.SimpleQueue[LayerId | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._starting = threading.Lock()

    def put(self, descriptor: Descriptor, opened: Callable[[], BinaryIO]) -> None:
        """Make the cache have a blob."""
        self._backend.put_blob(descriptor, opened)

    @property
    def reader(self) -> CacheReader:
        """What reads the same cache."""
        return self._reader

    @property
    def form(self) -> Compression:
        """How layers are compressed."""
        return self._form

    def layer_made(self, layer: LayerId) -> None:
        """Send a layer soon; any thread may ask. ``finish`` reports what goes wrong."""
        if is_image_layer(layer):
            return
        with self._starting:
            if len(self._threads) < self.wanted.uploads:
                name = f"cache-upload-{len(self._threads)}"
                thread = threading.Thread(target=self._run, name=name, daemon=True)
                self._threads.append(thread)
                thread.start()
        self._queue.put(layer)

    def finish(
        self,
        made: Sequence[Made],
        answers: Mapping[bytes, bytes],
        report: Progress,
        mounts: Callable[[], Mapping[bytes, MountRecord]] = dict,
    ) -> None:
        """Send what is left of the layers, then the records.

        Args:
            made: Steps whose layers are to be in the cache.
            answers: What was found out about root file systems.
            report: Called with the bytes of each layer, under the digest of its blob.
            mounts: Sends what is new of cache mounts; returns their records by key.

        Raises:
            ExportError: it takes longer than it may.
            JettisonError: the cache cannot be written.
        """
        failure: list[BaseException] = []

        def work() -> None:
            try:
                self._write(made, answers, report, mounts())
            except BaseException as error:  # noqa: BLE001 - raised below
                failure.append(error)

        thread = threading.Thread(target=work, name="cache-writer", daemon=True)
        thread.start()
        thread.join(self.wanted.seconds or None)
        if thread.is_alive():
            self._stop.set()
            raise ExportError(
                f"{self.wanted.at.title}: it was not written in {self.wanted.seconds:g} seconds",
                hint="give it more time with `timeout=`; what was sent is not sent again",
            )
        if failure:
            raise failure[0]

    def close(self) -> None:
        """End the threads; nothing is sent afterwards."""
        self._stop.set()
        for _ in self._threads:
            self._queue.put(None)
        end = time.monotonic() + _CLOSE_SECONDS
        for thread in self._threads:  # what waits for a server that is silent ends with the process
            thread.join(max(0.0, end - time.monotonic()))

    def _run(self) -> None:
        while (layer := self._queue.get()) is not None:
            try:
                self._send_once(layer, _quiet, self._stop)
            except (Abandoned, JettisonError, OSError):
                continue

    def _write(
        self,
        made: Sequence[Made],
        answers: Mapping[bytes, bytes],
        report: Progress,
        mounts: Mapping[bytes, MountRecord],
    ) -> None:
        new, used = self._missing(made)
        jobs = [partial(self._send_once, layer, report) for layer in dict.fromkeys(new.values())]
        run_parallel(jobs, limit=self.wanted.uploads)
        records = {raw(key.key): self._record(key) for key in new}
        known = self._reader.answers(answers)
        unknown = {key: answer for key, answer in answers.items() if key not in known}
        pack = Pack({**used, **records}, unknown, mounts)
        dropped: list[PackEntry] = []

        def change(entries: Sequence[PackEntry]) -> tuple[MadePack, list[PackEntry]] | None:
            dropped.clear()
            before = [] if self.wanted.reset else list(entries)
            if not pack.keys and before == list(entries):
                return None
            self._stop.check()
            result = self._changed(pack, before)
            dropped.extend(each for each in entries if each not in result[1])
            return result

        if pack.keys or self.wanted.reset:
            self._backend.keep([each.descriptor for each in used.values()])
            self._backend.update(change)
            self._backend.collect(dropped)

    def _changed(self, pack: Pack, entries: list[PackEntry]) -> tuple[MadePack, list[PackEntry]]:
        made, after = add_pack(pack, entries, self._reader.pack)
        if not self.wanted.max_bytes or total_bytes(after) <= self.wanted.max_bytes:
            return made, after
        whole = pack
        for entry in entries:
            try:
                whole = whole.over(self._reader.pack(entry))
            except JettisonError:
                continue  # nobody could read it
        only = make_pack(within(whole, self.wanted.max_bytes))
        return only, [only.entry]

    def _missing(
        self, made: Sequence[Made]
    ) -> tuple[dict[Made, LayerId], dict[bytes, CacheRecord]]:
        """Return what the cache lacks, and what it has whose last use is to be noted."""
        new: dict[Made, LayerId] = {}
        used: dict[bytes, CacheRecord] = {}
        now = int(time.time())
        for each in made:
            if is_image_layer(each.layer) or not content_of(each.layer, self._layers):
                continue
            known = None if self.wanted.reset else self._reader.find(each.key)
            if known is None or known.layer in self._refused:
                new[each] = each.layer
            elif known.used_s < now - self.wanted.refresh_seconds:
                used[known.key] = msgspec.structs.replace(known, used_s=now)
        return new, used

    def _record(self, made: Made) -> CacheRecord:
        descriptor = self._send_once(made.layer, _quiet, self._stop)
        return make_record(made, self._layers, descriptor, used_s=int(time.time()))

    def _send_once(self, layer: LayerId, report: Progress, stop: Stop) -> Descriptor:
        """Return the descriptor of a layer's blob, which the cache has then."""
        done = self._done.get(layer)
        if done is not None:
            report(done.digest, done.size, done.size)
            return done

        def send() -> Descriptor:
            self._done[layer] = sent = self._send(layer, report, stop)
            return sent

        return self._sent.get(layer, send, lambda: self._done.get(layer))

    def _send(self, layer: LayerId, report: Progress, stop: Stop) -> Descriptor:
        stop.check()
        form, layers = self._form, self._layers
        descriptor = layers.blobs.describe(layer, form.name, level=form.level, stop=self._stop)
        report(descriptor.digest, 0, descriptor.size)
        again = bool(self._refused)  # of some, it may have damaged bytes
        if not layers.store.blobs.has(descriptor.digest):
            if not again and self._backend.has_blob(descriptor.digest):
                return descriptor
            layers.blobs.fetch(layer, descriptor)
        self._stop.check()
        path = layers.store.blobs.path(descriptor.digest)

        def opened() -> BinaryIO:
            self._stop.check()
            return path.open("rb")

        self._backend.put_blob(descriptor, opened, again=again)
        report(descriptor.digest, descriptor.size, descriptor.size)
        return descriptor


def content_of(layer: LayerId, layers: Layers) -> str:
    """Return the content digest of a layer, empty if it is not known."""
    info = layers.files.info(layer)
    if info is not None:
        return info.content
    claim = layers.store.layers.find(layer).claim
    return claim.content if claim is not None else ""


def make_record(made: Made, layers: Layers, descriptor: Descriptor, *, used_s: int) -> CacheRecord:
    """Return the record of a step.

    Args:
        made: It.
        layers: Where its layer is.
        descriptor: Of the layer's blob.
        used_s: Now.

    Raises:
        StorageError: the layer is not in the store any more.
    """
    known, info = layers.store.layers.find(made.layer), layers.files.info(made.layer)
    facts = known.facts
    if facts is None or (info is None and known.claim is None):
        raise StorageError(f"layer `{made.layer}` is not in the store any more")
    small = made.origins is not None and len(made.origins[1]) <= _MAX_ORIGINS_BYTES
    return CacheRecord(
        key=raw(made.key),
        layer=made.layer,
        diff_id=layers.blobs.diff_id(made.layer),
        content=content_of(made.layer, layers),
        created_ns=made.created_ns,
        duration_ns=made.duration_ns,
        clock_ns=(info or known.claim).clock_ns,  # type: ignore[union-attr]
        size_bytes=facts.size_bytes,
        entries=facts.entries,
        media_type=descriptor.media_type,
        blob=descriptor.digest,
        blob_bytes=descriptor.size,
        name=made.name,
        used_s=used_s,
        origins=made.origins if small else None,
    )


def inline_record(made: Made, layers: Layers) -> CacheRecord | None:
    """Return the record of a step for the image itself, which says where its layers are."""
    if is_image_layer(made.layer) or not content_of(made.layer, layers):
        return None
    diff_id = layers.blobs.diff_id(made.layer)
    return make_record(made, layers, Descriptor(OCI_LAYER, diff_id, 0), used_s=0)


def _quiet(_item: str, _current: int, _total: int) -> None:
    return

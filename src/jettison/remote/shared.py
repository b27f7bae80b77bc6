"""The build's records and answers, shared with caches elsewhere.

In:  what the solver looks up and keeps (``solver.drivers``).
Out: what the store has, else what a cache elsewhere has; then the store has it, too.

A layer of a record becomes a claimed layer of the store (``store.claims``): nothing is fetched.

Security: a record counts for the key that it was asked for and no other. What it says of a layer
must not contradict what is known of that layer here, and is verified when the layer is unpacked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from jettison.cache.key import CacheKey
from jettison.cache.lost import is_lost
from jettison.cache.record import Record, RecordStore, SelectionMemo
from jettison.oci.digest import Digest, raw
from jettison.provenance.store import OriginStore
from jettison.remote.reader import CacheReader, Warn
from jettison.remote.record import CacheRecord, answer_key
from jettison.snapshot.base import LayerStore
from jettison.store.claims import Claim
from jettison.store.layer import LayerId
from jettison.store.store import Store


class SharedRecords:
    """Records of the store, and of caches elsewhere behind it.

    Args:
        local: Those of the store.
        store: Gets layers that are claimed, and origins.
        layer_store: Knows which are here as files.
        origins: Gets where files of a COPY came from.
        readers: The caches, those first that are asked first.
        refused: Layers that turned out to be lost or wrong; gets those that did so before.
        warn: Gets what cannot be believed.
    """

    def __init__(
        self,
        local: RecordStore,
        store: Store,
        layer_store: LayerStore,
        origins: OriginStore,
        readers: Sequence[CacheReader],
        *,
        refused: set[LayerId],
        warn: Warn,
    ) -> None:
        self._local = local
        self._store = store
        self._layer_store = layer_store
        self._origins = origins
        self._readers = readers
        self._refused = refused
        self._warn = warn
        self.latest = local.latest
        self.expected_ns = local.expected_ns
        self.made_by = local.made_by
        self.keep: Callable[[CacheKey, Record], None] = local.keep

    def find(self, key: Digest) -> Record | None:
        """Return the record of a key whose layer can be had."""
        record = self._local.find(key)
        if record is not None and self._is_available(record.layer):
            return record
        for reader in self._readers:
            found = reader.find(key)
            if found is None or self._is_refused(found.layer):
                continue
            if self._take(found, reader):
                record = _record(found)
                self._local.keep(CacheKey(key, ()), record)
                if found.origins is not None:
                    self._origins.keep(*found.origins)
                return record
        return record

    def _is_refused(self, layer: LayerId) -> bool:
        if layer not in self._refused and is_lost(self._store.database, layer):
            self._refused.add(layer)  # so that it is sent again, too
        return layer in self._refused

    def _is_available(self, layer: LayerId) -> bool:
        here = self._layer_store.info(layer) is not None
        return here or self._store.layers.find(layer).blob is not None

    def _take(self, found: CacheRecord, reader: CacheReader) -> bool:
        """Let the store know of a layer; return whether what is said of it can be true."""
        info = self._layer_store.info(found.layer)
        if info is not None:
            agrees = info.content == found.content
        else:
            self._store.layers.claim(
                Claim(
                    found.layer,
                    found.diff_id,
                    found.content,
                    found.clock_ns,
                    found.size_bytes,
                    found.entries,
                    found.descriptor,
                    reader.source,
                )
            )
            agrees = self._store.layers.find(found.layer).claim is not None
        if not agrees:
            self._warn(
                f"{reader.title}: what it says of the layer of `{found.name}` is not what the"
                " store knows of it; the step is not taken from there"
            )
        return agrees


class SharedMemo:
    """Answers of the store, and of caches elsewhere behind it.

    Args:
        local: Those of the store.
        readers: The caches.

    Attributes:
        seen: All that were found or kept, by ``answer_key``.
    """

    def __init__(self, local: SelectionMemo, readers: Sequence[CacheReader]) -> None:
        self._local = local
        self._readers = readers
        self.seen: dict[bytes, bytes] = {}

    def find(self, stack: Digest, selector: Digest) -> Digest | None:
        """Return the kept answer."""
        found = self._local.find(stack, selector)
        if found is None:
            answers = (reader.answer(stack, selector) for reader in self._readers)
            found = next((each for each in answers if each is not None), None)
            if found is None:
                return None
            self._local.keep(stack, selector, found)
        self.seen[answer_key(stack, selector)] = raw(found)
        return found

    def keep(self, stack: Digest, selector: Digest, answer: Digest) -> None:
        """Keep an answer."""
        self._local.keep(stack, selector, answer)
        self.seen[answer_key(stack, selector)] = raw(answer)


def _record(found: CacheRecord) -> Record:
    """Return a record as the store keeps it; the definition is not known."""
    return Record(
        found.layer,
        found.created_ns,
        name=found.name,
        content=found.content,
        duration_ns=found.duration_ns,
    )

"""A cache in a bucket: an index under its name, records and layers under their digests.

In:  packs and blobs.
Out: objects: ``MANIFESTS + NAME`` and ``BLOBS + DIGEST``, as BuildKit places them.

Concurrency: the index is written in place of the version that was read; where that is not there any
more, somebody else was faster, and it is changed again. Servers that know no conditions may lose
the records of one of two builds that write at the same time, which costs the next one a step.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import BinaryIO

from jettison.errors import (
    ContentError,
    InvalidManifestError,
    JettisonError,
    RegistryError,
    RegistryUnavailableError,
)
from jettison.layer.reader import Readable
from jettison.oci.codec import MAX_DOCUMENT_BYTES, decode
from jettison.oci.digest import Digest, verify
from jettison.oci.manifest import Descriptor, Index
from jettison.remote.backend import Change
from jettison.remote.bucket import Bucket, Found
from jettison.remote.index import PackEntry, holds_all, make_index, read_index
from jettison.remote.record import MAX_PACK_BYTES, Pack, decode_pack

_ROUNDS = 12
_PAUSE_SECONDS = 0.2
_LOST = 2
"""After so many writes without an answer one more is an error."""
_MOST_CACHES = 1000
"""Of a bucket, which are asked before a blob is removed; where there are more, none is."""


class ObjectBlobs:
    """The blobs of caches in a bucket, as a place of layers (``image.remote``).

    Args:
        bucket: It.
        prefix: What their keys begin with.
    """

    def __init__(self, bucket: Bucket, prefix: str) -> None:
        self._bucket = bucket
        self._prefix = prefix

    def key(self, digest: Digest) -> str:
        """Return the key of a blob."""
        return self._prefix + digest

    @contextmanager
    def open(self, descriptor: Descriptor, start: int = 0) -> Iterator[Readable]:
        """Open a blob for reading from an offset on, to its end.

        Raises:
            SizeMismatchError: it has another size.
            RegistryError: it cannot be had.
        """
        key = self.key(descriptor.digest)
        with self._bucket.open(key, descriptor.size, start) as stream:
            yield stream

    def read_range(self, descriptor: Descriptor, start: int, length: int) -> bytes | None:
        """Return bytes of a blob, unverified.

        Raises:
            RegistryError: they cannot be had.
        """
        data = self._bucket.read_range(self.key(descriptor.digest), start, length)
        return data if len(data) == length else None


class ObjectCache:
    """A cache in a bucket; a ``CacheBackend``.

    Args:
        bucket: It.
        source: Where its blobs are, for layers.
        name: Key of the index.
        blobs: Where its blobs are.
        refresh_seconds: Blobs that are older are made new when they are used.
    """

    def __init__(
        self, bucket: Bucket, source: str, name: str, blobs: ObjectBlobs, refresh_seconds: float
    ) -> None:
        self._bucket = bucket
        self._source = source
        self._name = name
        self._blobs = blobs
        self._refresh = timedelta(seconds=refresh_seconds)
        self._packs: dict[Digest, Pack] = {}
        self._written: frozenset[str] = frozenset()
        """Layers of the pack that was written last."""

    @property
    def source(self) -> str:
        """Where its blobs are."""
        return self._source

    def entries(self) -> list[PackEntry]:
        """Return its packs; see ``CacheBackend``."""
        return _packs(self._index())

    def read(self, entry: PackEntry) -> Pack:
        """Return a pack; see ``CacheBackend``."""
        digest = entry.records.digest
        if digest not in self._packs:
            found = self._bucket.read(self._blobs.key(digest), MAX_PACK_BYTES)
            if found is None:
                raise InvalidManifestError(f"records `{digest}` are not there any more")
            verify(found.data, digest)
            self._packs[digest] = decode_pack(found.data)
        return self._packs[digest]

    def has_blob(self, digest: Digest) -> bool:
        """Tell whether it has a blob."""
        return self._bucket.facts(self._blobs.key(digest)) is not None

    def put_blob(
        self, descriptor: Descriptor, opened: Callable[[], BinaryIO], *, again: bool = False
    ) -> None:
        """Send a blob, unless one of its size is there; see ``CacheBackend``."""
        if not again and self._kept(descriptor):
            return
        with opened() as file:
            self._bucket.write(self._blobs.key(descriptor.digest), file)

    def keep(self, blobs: Collection[Descriptor]) -> None:
        """Make old blobs new, for rules that remove what is old; see ``CacheBackend``."""
        for each in {each.digest: each for each in blobs}.values():
            self._kept(each)

    def update(self, change: Change) -> None:
        """Change the index, in place of the one that was read; see ``CacheBackend``."""
        for attempt in range(_ROUNDS):
            time.sleep(_PAUSE_SECONDS * attempt * random.random())  # noqa: S311 - no secret
            found = self._index()
            changed = change(self._readable(found))
            if changed is None:
                return
            made, entries = changed
            self._written = frozenset(made.pack.blobs)
            self._bucket.write(self._blobs.key(made.entry.records.digest), made.records)
            _, data = make_index(entries)
            try:
                if self._bucket.replace(self._name, data, found.version if found else None):
                    return
            except RegistryUnavailableError:  # nobody knows what became of it
                if attempt >= _LOST:
                    raise
            # It may be there nevertheless: an answer was lost, and the request was sent again.
            if holds_all(self._readable(self._index()), made.pack):
                return
        raise RegistryError(
            f"`{self._name}` of {self._bucket.title} is written by other builds all the time",
            hint="give each branch or job a cache of its own with `name=`",
        )

    def collect(self, packs: Collection[PackEntry]) -> None:
        """Remove layers of packs that went, if nothing in the bucket names them.

        Where all layers are in the new pack only records are left over, which are small: they stay
        until layers go, or until the rules of the bucket remove them.
        """
        gone = self._layers(packs) - self._written
        if not gone:
            return
        gone.update(each.records.digest for each in packs)
        beside = self._name.rpartition("/")[0]
        names = self._bucket.keys(beside, _MOST_CACHES + 1)
        if len(names) > _MOST_CACHES:
            return
        needed: set[str] = set()
        for each in names:
            if each.rpartition("/")[2].startswith("sha256:"):
                continue
            found = self._bucket.read(each, MAX_DOCUMENT_BYTES)
            if found is None:
                continue
            try:
                entries = _packs(found)
            except JettisonError:  # BuildKit's, which names digests as text
                text = found.data.decode("utf-8", "replace")
                needed |= {digest for digest in gone if digest in text}
            else:
                needed |= self._layers(entries)
                needed.update(one.records.digest for one in entries)
        keys = [self._blobs.key(Digest(digest)) for digest in sorted(gone - needed)]
        if keys:
            self._bucket.delete(keys)

    def _layers(self, packs: Iterable[PackEntry]) -> set[str]:
        """Return the layers that packs name.

        Raises:
            JettisonError: a pack cannot be read.
        """
        found: set[str] = set()
        for each in packs:
            with suppress(ContentError):  # it names nothing any more
                found.update(self.read(each).blobs)
        return found

    def _kept(self, descriptor: Descriptor) -> bool:
        """Tell whether a blob is there; make it new if it is old."""
        key = self._blobs.key(descriptor.digest)
        facts = self._bucket.facts(key)
        if facts is None or facts.size != descriptor.size:
            return False
        if facts.changed < datetime.now(UTC) - self._refresh:
            with suppress(RegistryError):  # too large to be copied, say: it is there, and old
                self._bucket.touch(key)
        return True

    def _index(self) -> Found | None:
        return self._bucket.read(self._name, MAX_DOCUMENT_BYTES)

    def _readable(self, found: Found | None) -> list[PackEntry]:
        """Return the packs of an index; what cannot be read is replaced."""
        try:
            return _packs(found)
        except JettisonError:
            return []


def _packs(found: Found | None) -> list[PackEntry]:
    return read_index(decode(Index, found.data)) if found is not None else []

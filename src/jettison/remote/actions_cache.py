"""``type=gha``: a cache in the service of GitHub Actions.

In:  packs and blobs.
Out: numbered keys: ``jettison-index-1-SCOPE-BRANCH#N``, ``jettison-blob-1-DIGEST#N``.

A job reads the caches of its own branch and of those that its token names, as for a pull request
the branch that it is for; it writes its own. What another branch has is not written again.

Concurrency: the number of an index can be taken once. Who finds it taken waits until it can be
read; if that takes too long its writer was killed, and the next number is taken.
"""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import partial
from typing import BinaryIO

from jettison.errors import (
    AuthenticationError,
    InvalidManifestError,
    RegistryError,
)
from jettison.layer.reader import Readable
from jettison.oci.codec import MAX_DOCUMENT_BYTES, decode
from jettison.oci.digest import Digest, verify
from jettison.oci.manifest import Descriptor, Index
from jettison.registry.blob import BlobPart, BlobStream, part_of
from jettison.registry.transport import Transport, discard, read_bounded
from jettison.remote.actions import HINT, ActionsService, Entry
from jettison.remote.backend import Change
from jettison.remote.index import PackEntry, make_index, read_index
from jettison.remote.record import Pack, decode_pack
from jettison.remote.signed import GoneError, download, get, upload

_ROUNDS = 24
_PAUSE_SECONDS = 3.0
_PATIENCE = 5
"""How many pauses long another may take to write what it has reserved."""


class ActionsBlobs:
    """The blobs of caches at the service, as a place of layers (``image.remote``).

    Args:
        service: It.
        transport: Sends requests to the servers of blobs.
    """

    def __init__(self, service: ActionsService, transport: Transport) -> None:
        self._service = service
        self._transport = transport

    def find(self, digest: Digest) -> Entry | None:
        """Return where a blob is.

        Raises:
            RegistryError: the service refuses, or cannot be reached.
        """
        return self._service.find(_blob_key(digest))

    def has(self, digest: Digest) -> bool:
        """Tell whether there is a blob, and let the service know that it is in use.

        Raises:
            RegistryError: as ``find``.
        """
        return self.find(digest) is not None

    def put(
        self, digest: Digest, size: int, opened: Callable[[], BinaryIO], *, again: bool = False
    ) -> None:
        """Send a blob, unless it is there; ``again`` if what is there is damaged.

        Raises:
            RegistryError: the service refuses, or cannot be reached.
        """
        key = _blob_key(digest)
        found = self._service.find(key)
        number = found.number + 1 if found is not None else 1
        for attempt in range(_ROUNDS):
            if found is not None and (not again or found.number >= number):
                return
            if self.write(key, number, size, opened):
                return
            if attempt + 1 >= _PATIENCE:
                number += 1
            time.sleep(_PAUSE_SECONDS)
            found = self._service.find(key)
        raise RegistryError(f"blob `{digest}` is being written by others all the time")

    def write(self, key: str, number: int, size: int, opened: Callable[[], BinaryIO]) -> bool:
        """Write a number of a key; return False if it is taken.

        Raises:
            RegistryError: the service refuses, or cannot be reached.
        """
        url = self._service.reserve(key, number)
        if url is None:
            return False
        with opened() as file:
            upload(self._transport, url, file, size)
        self._service.finish(key, number, size)
        return True

    def document(self, entry: Entry, limit: int) -> bytes:
        """Return a small blob.

        Raises:
            RegistryError: it is longer than ``limit`` bytes, or cannot be had.
        """
        return download(self._transport, entry.url, limit)

    @contextmanager
    def open(self, descriptor: Descriptor, start: int = 0) -> Iterator[Readable]:
        """Open a blob for reading from an offset on, to its end.

        Raises:
            RegistryError: it cannot be had.
        """

        def open_at(offset: int, _failures: int) -> BlobPart | None:
            for attempt in range(2):
                found = self.find(descriptor.digest)  # URLs hold for some minutes
                if found is None:
                    return None
                try:
                    response = get(self._transport, found.url, offset)
                except GoneError:
                    if attempt:
                        raise
                    continue
                return part_of(response, offset, descriptor, self._service.host)
            return None

        part = open_at(start, 0)
        if part is None:
            raise RegistryError(
                f"blob `{descriptor.digest}` is not in the cache any more", status=404
            )
        with BlobStream(descriptor, open_at, part, start=start) as stream:
            yield stream

    def read_range(self, descriptor: Descriptor, start: int, length: int) -> bytes | None:
        """Return bytes of a blob, unverified; None where it gives no ranges.

        Raises:
            RegistryError: they cannot be had.
        """
        found = self.find(descriptor.digest)
        if found is None:
            return None
        response = get(self._transport, found.url, start, start + length)
        if response.status != 206:
            discard(response)
            return None
        data = read_bounded(response, length, what=f"a part of blob `{descriptor.digest}`")
        return data if len(data) == length else None


class ActionsCache:
    """A cache at the service; a ``CacheBackend``.

    Args:
        service: It.
        blobs: Its blobs.
        source: Where they are, for layers.
        scope: Name of the cache.
    """

    def __init__(
        self, service: ActionsService, blobs: ActionsBlobs, source: str, scope: str
    ) -> None:
        self._service = service
        self._blobs = blobs
        self._source = source
        self._scope = scope

    @property
    def source(self) -> str:
        """Where its blobs are."""
        return self._source

    def entries(self) -> list[PackEntry]:
        """Return the packs of all branches that may be read; see ``CacheBackend``."""
        found: dict[Digest, PackEntry] = {}
        for scope in self._service.scopes:
            if scope.is_read:
                for each in self._packs(self._service.find(self._key(scope.name))):
                    found.setdefault(each.records.digest, each)
        return list(found.values())

    def read(self, entry: PackEntry) -> Pack:
        """Return a pack; see ``CacheBackend``."""
        digest = entry.records.digest
        found = self._blobs.find(digest)
        if found is None:
            raise InvalidManifestError(f"records `{digest}` are not there any more")
        data = self._blobs.document(found, entry.records.size)
        verify(data, digest)
        return decode_pack(data)

    def has_blob(self, digest: Digest) -> bool:
        """Tell whether it has a blob."""
        return self._blobs.has(digest)

    def put_blob(
        self, descriptor: Descriptor, opened: Callable[[], BinaryIO], *, again: bool = False
    ) -> None:
        """Send a blob, under a new number if the one that is there is damaged."""
        self._own  # noqa: B018 - nothing is sent that must not be written
        self._blobs.put(descriptor.digest, descriptor.size, opened, again=again)

    def keep(self, blobs: Collection[Descriptor]) -> None:
        """Ask for blobs: the service removes what nobody has asked for in a week."""
        for each in {each.digest: each for each in blobs}.values():
            self._blobs.has(each.digest)

    def update(self, change: Change) -> None:
        """Write the next number of the index of this branch; see ``CacheBackend``."""
        key, last, taken = self._key(self._own), 0, 0
        for _ in range(_ROUNDS):
            latest = self._service.find(key)
            number = latest.number if latest is not None else 0
            taken, last = (taken if number == last else 0), number
            changed = change(self._readable(latest))
            if changed is None:
                return
            made, entries = changed
            records = made.entry.records
            self._blobs.put(records.digest, records.size, partial(io.BytesIO, made.records))
            _, data = make_index(entries)
            number += 1 + max(0, taken - _PATIENCE)
            if self._blobs.write(key, number, len(data), partial(io.BytesIO, data)):
                return
            taken += 1
            time.sleep(_PAUSE_SECONDS)
        raise RegistryError(
            f"cache `{self._scope}` is written by other jobs all the time",
            hint="give each job a cache of its own with `scope=`",
        )

    def collect(self, packs: Collection[PackEntry]) -> None:
        """Leave it to the service, which removes what was not used for longest."""

    @property
    def _own(self) -> str:
        """The branch that is written.

        Raises:
            AuthenticationError: the token may write none.
        """
        for each in self._service.scopes:
            if each.is_written:
                return each.name
        raise AuthenticationError(
            "the token of this job may read caches, not write them", hint=HINT
        )

    def _key(self, branch: str) -> str:
        shortened = hashlib.sha256(branch.encode()).hexdigest()[:8]
        return f"jettison-index-1-{self._scope}-{shortened}"

    def _packs(self, entry: Entry | None) -> list[PackEntry]:
        if entry is None:
            return []
        return read_index(decode(Index, self._blobs.document(entry, MAX_DOCUMENT_BYTES)))

    def _readable(self, entry: Entry | None) -> list[PackEntry]:
        """Return the packs of an index; what cannot be read is replaced."""
        try:
            return self._packs(entry)
        except InvalidManifestError:
            return []


def _blob_key(digest: Digest) -> str:
    return f"jettison-blob-1-{digest}"

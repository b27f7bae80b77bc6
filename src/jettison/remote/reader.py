"""Looks keys up in a cache elsewhere.

In:  keys.
Out: records and answers; None where the cache has none, or says nothing that can be trusted.

The index is read while the build is still being compiled. A pack is read when its filter has a key,
once. Whatever goes wrong is reported once and is a miss: the build goes on without.

Concurrency: safe for threads. A lookup waits no longer than what is left of the time that this
cache may cost in all; what is still under way then ends by itself.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Generic, TypeVar

from jettison.errors import JettisonError
from jettison.oci.digest import Digest, raw
from jettison.remote.backend import CacheBackend
from jettison.remote.index import PackEntry
from jettison.remote.record import CacheRecord, MountRecord, Pack, answer_key

T = TypeVar("T")

Warn = Callable[[str], None]


class CacheReader:
    """One cache that is read.

    Args:
        title: What people call it.
        backend: Has its packs.
        seconds: How long it may keep the build waiting in all.
        warn: Gets what is wrong with it.
        begin: Whether to read the index at once, in the background.
        tells_absence: Whether it is worth a warning that there is no such cache.
    """

    def __init__(
        self,
        title: str,
        backend: CacheBackend,
        *,
        seconds: float,
        warn: Warn,
        begin: bool = True,
        tells_absence: bool = False,
    ) -> None:
        self.tells_absence = tells_absence
        self.title = title
        self.backend = backend
        self._left = seconds
        self._warn = warn
        self._lock = threading.RLock()
        self._entries: list[PackEntry] | None = None
        self._packs: dict[Digest, Pack] = {}
        self._unreadable: set[Digest] = set()
        self._index: _Job[list[PackEntry]] | None = None
        self._failed = False
        if begin:
            self._index = _Job(backend.entries)

    @property
    def source(self) -> str:
        """Where its blobs are."""
        return self.backend.source

    def find(self, key: Digest) -> CacheRecord | None:
        """Return the record of a cache key."""
        wanted = raw(key)
        for pack in self._holding(wanted):
            record = pack.records.get(wanted)
            if record is not None:
                return record
        return None

    def answer(self, stack: Digest, selector: Digest) -> Digest | None:
        """Return what a selector picks from a root file system."""
        wanted = answer_key(stack, selector)
        for pack in self._holding(wanted):
            found = pack.answers.get(wanted)
            if found is not None:
                return Digest("sha256:" + found.hex())
        return None

    def mount(self, key: bytes) -> MountRecord | None:
        """Return what there is of a cache mount, of all machines that wrote it."""
        found: MountRecord | None = None
        for pack in reversed(self._holding(key)):
            here = pack.mounts.get(key)
            if here is not None:
                found = here if found is None else here.over(found)
        return found

    def answers(self, wanted: Iterable[bytes]) -> set[bytes]:
        """Return those of some keys of answers that the cache has."""
        return {key for key in wanted if any(key in pack.answers for pack in self._holding(key))}

    def pack(self, entry: PackEntry) -> Pack:
        """Return a pack.

        Raises:
            JettisonError: it cannot be read.
        """
        with self._lock:
            digest = entry.records.digest
            known = self._packs.get(digest)
            if known is None or digest in self._unreadable:
                known = self._packs[digest] = self.backend.read(entry)
                self._unreadable.discard(digest)
            return known

    def _holding(self, key: bytes) -> list[Pack]:
        """Return the packs whose filters have a key, newest first."""
        with self._lock:
            found = []
            for entry in self._known():
                if not entry.may_hold(key):
                    continue
                digest = entry.records.digest
                if digest not in self._packs:
                    made = self._within(_Job(partial(self.backend.read, entry)))
                    if made is None:  # and not asked for again
                        self._unreadable.add(digest)
                    self._packs[digest] = made or Pack()
                found.append(self._packs[digest])
            return found

    def _known(self) -> list[PackEntry]:
        if self._entries is None:
            job = self._index or _Job(self.backend.entries)
            found = self._within(job)
            self._entries = found or []
            if found == [] and self.tells_absence:
                self._say("there is none yet")
        return self._entries

    def _within(self, job: _Job[T]) -> T | None:
        """Wait for a job, at most as long as there is time; None if it fails."""
        if self._left <= 0:
            return None
        began = time.monotonic()
        try:
            return job.result(self._left)
        except TimeoutError:
            self._say("it takes too long to answer; the build goes on without it")
            self._left = 0
            return None
        except JettisonError as error:
            self._say(str(error))
            return None
        finally:
            self._left -= time.monotonic() - began

    def _say(self, what: str) -> None:
        if not self._failed:
            self._failed = True
            self._warn(f"{self.title}: {what}")


class _Job(Generic[T]):
    """Something that another thread does, which nobody has to wait for."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._done: queue.SimpleQueue[tuple[T | None, BaseException | None]] = queue.SimpleQueue()
        threading.Thread(target=self._run, name="cache-reader", daemon=True).start()

    def _run(self) -> None:
        try:
            self._done.put((self._work(), None))
        except BaseException as error:  # noqa: BLE001 - raised by who waits
            self._done.put((None, error))

    def result(self, seconds: float) -> T:
        """Return the result, once.

        Raises:
            TimeoutError: it takes longer.
        """
        try:
            value, error = self._done.get(timeout=seconds)
        except queue.Empty:
            raise TimeoutError from None
        if error is not None:
            raise error
        return value  # type: ignore[return-value]

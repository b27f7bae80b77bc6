"""Threads that end when they should, and limits on how many do the same thing.

In:  synchronous functions of the leaves.
Out: ``Workers``: a bounded set of threads whose results arrive as values in one queue.

Concurrency: the scheduler is one thread that waits on a queue; everything that blocks runs in a
worker. Nothing is ever abandoned: closing waits for every worker.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")
Key = TypeVar("Key")
_SIGNAL_SECONDS = 0.25


class Finished(Generic[Key, T]):
    """What a worker brought: a value or an error, never both."""

    __slots__ = ("error", "key", "value")

    def __init__(self, key: Key, value: T | None, error: BaseException | None) -> None:
        self.key = key
        self.value = value
        self.error = error


class Workers(Generic[Key, T]):
    """Starts a thread per job and hands back results in the order in which they finish.

    Use it as a context manager: leaving it waits for all threads.
    """

    def __init__(self) -> None:
        self._results: queue.SimpleQueue[Finished[Key, T]] = queue.SimpleQueue()
        self._threads: set[threading.Thread] = set()
        self._pending = 0

    def __enter__(self) -> Workers[Key, T]:
        return self

    def __exit__(self, *_: object) -> None:
        for thread in self._threads:
            thread.join()

    @property
    def pending(self) -> int:
        """Jobs whose results were not taken yet."""
        return self._pending

    def start(self, key: Key, job: Callable[[], T]) -> None:
        """Run a job in a thread; its result arrives at ``next``."""

        def work() -> None:
            try:
                value = job()
            except BaseException as error:  # noqa: BLE001 - handed to the scheduler's thread
                self._results.put(Finished(key, None, error))
            else:
                self._results.put(Finished(key, value, None))

        thread = threading.Thread(target=work, name=f"worker-{key}", daemon=True)
        self._threads.add(thread)
        self._pending += 1
        thread.start()

    def next(self) -> Finished[Key, T]:
        """Wait for the next result."""
        while True:
            try:
                # A signal that the kernel gave to a worker's thread does not wake this one, and
                # Python handles signals here only.
                result = self._results.get(timeout=_SIGNAL_SECONDS)
            except queue.Empty:
                continue
            self._pending -= 1
            return result


class Limiter:
    """At most so many at the same time; use it as a context manager."""

    def __init__(self, limit: int) -> None:
        self._semaphore = threading.BoundedSemaphore(limit)

    def __enter__(self) -> None:
        self._semaphore.acquire()

    def __exit__(self, *_: object) -> None:
        self._semaphore.release()


class Once(Generic[Key, T]):
    """Computes a value per key once, however many threads ask at the same time.

    A failed computation is not kept: the next one to ask tries again.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._locks: dict[Key, threading.Lock] = {}
        self._values: dict[Key, T] = {}

    def known(self, key: Key) -> T | None:
        """Return the value of a key, or None when it was not computed yet."""
        with self._lock:
            return self._values.get(key)

    def get(self, key: Key, compute: Callable[[], T]) -> T:
        """Return the value of a key, computing it if nobody did."""
        with self._lock:
            if key in self._values:
                return self._values[key]
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            if key not in self._values:
                self._values[key] = compute()
            return self._values[key]

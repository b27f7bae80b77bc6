"""Threads that end when they should, and limits on how many do the same thing.

In:  synchronous functions of the leaves.
Out: ``Workers``: a bounded set of threads whose results arrive as values in one queue;
     ``Limiter``, ``Once``, ``SingleFlight``; ``INTERRUPTS``, which ends what threads wait for
     outside.

Concurrency: the scheduler is one thread that waits on a queue; everything that blocks runs in a
worker. Nothing is ever abandoned: closing waits for every worker.
"""

from __future__ import annotations

import os
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from jettison.errors import HostError

T = TypeVar("T")
Key = TypeVar("Key")
_SIGNAL_SECONDS = 0.25
_THREADS = 256
"""A plan may have thousands of independent vertices, a container often no more processes."""


def processors() -> int:
    """Return how many processors this process may use at the same time."""
    return len(os.sched_getaffinity(0))


class Interrupts:
    """Ends what threads wait for when the user interrupts the process: sockets, programs.

    There is one of it, since there is one user. What begins afterwards is not concerned.

    Concurrency: every method may be called from any thread, and from a signal handler.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._ends: dict[int, Callable[[], None]] = {}
        self._next = 0
        self.count = 0
        """How many interrupts there were: whoever tries again compares."""

    def add(self, end: Callable[[], None]) -> int:
        """Call ``end``, which must not wait, at each interrupt; return its number."""
        with self._lock:
            number, self._next = self._next, self._next + 1
            self._ends[number] = end
        return number

    @contextmanager
    def ending(self, end: Callable[[], None], since: int) -> Iterator[None]:
        """Call ``end``, which must not wait, at an interrupt inside the block.

        Args:
            end: It.
            since: ``count`` before what ``end`` ends began: an interrupt since then counts, too.
        """
        number = self.add(end)
        try:
            if self.count != since:
                end()
            yield
        finally:
            with self._lock:
                del self._ends[number]

    def interrupt(self) -> None:
        """End everything that is registered."""
        with self._lock:
            self.count += 1
            for end in list(self._ends.values()):
                end()


INTERRUPTS = Interrupts()


class Finished(Generic[Key, T]):
    """What a worker brought: a value or an error, never both."""

    __slots__ = ("error", "key", "value")

    def __init__(self, key: Key, value: T | None, error: BaseException | None) -> None:
        self.key = key
        self.value = value
        self.error = error


class Workers(Generic[Key, T]):
    """Runs each job in a thread and hands back results in the order in which they finish.

    Jobs wait for a thread when there are very many, or when the system gives no more; a job must
    not wait for one that was given later. Use it as a context manager: leaving it waits for all
    threads that were started.

    Concurrency: all methods belong to one thread.
    """

    def __init__(self, limit: int = _THREADS) -> None:
        self._limit = limit
        self._results: queue.SimpleQueue[Finished[Key, T]] = queue.SimpleQueue()
        self._waiting: deque[tuple[Key, Callable[[], T]]] = deque()
        self._threads: set[threading.Thread] = set()
        self._running = 0

    def __enter__(self) -> Workers[Key, T]:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is KeyboardInterrupt:
            INTERRUPTS.interrupt()
        for thread in self._threads:
            if thread.ident is not None:  # else it never began
                thread.join()

    def start(self, key: Key, job: Callable[[], T]) -> None:
        """Run a job in a thread; its result arrives at ``next``.

        Raises:
            HostError: the system gives no thread at all.
        """
        self._waiting.append((key, job))
        self._start_waiting()

    def next(self) -> Finished[Key, T]:
        """Wait for the next result.

        Raises:
            HostError: the system gives no thread for what waits.
        """
        while True:
            try:
                # A signal that the kernel gave to a worker's thread does not wake this one, and
                # Python handles signals here only.
                result = self._results.get(timeout=_SIGNAL_SECONDS)
            except queue.Empty:
                continue
            self._running -= 1
            self._start_waiting()
            return result

    def _start_waiting(self) -> None:
        while self._waiting and self._running < self._limit:
            key, job = self._waiting[0]
            thread = threading.Thread(
                target=self._work, args=(key, job), name=f"worker-{key}", daemon=True
            )
            self._threads.add(thread)
            try:
                thread.start()
            except RuntimeError as error:
                self._threads.discard(thread)
                if self._running:
                    return  # when one of them ends there is room again
                raise HostError(
                    "the system gives this process no thread",
                    hint="raise the limit of processes (`ulimit -u`, or that of the container)",
                ) from error
            self._waiting.popleft()
            self._running += 1

    def _work(self, key: Key, job: Callable[[], T]) -> None:
        try:
            value = job()
        except BaseException as error:  # noqa: BLE001 - handed to the scheduler's thread
            self._results.put(Finished(key, None, error))
        else:
            self._results.put(Finished(key, value, None))


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


class _Call(Generic[T]):
    """A computation: what it gave, unless it failed, once it has ended."""

    def __init__(self) -> None:
        self.ended = threading.Event()
        self.values: list[T] = []


class SingleFlight(Generic[Key, T]):
    """Lets threads that want the same value at the same time compute it once.

    Nothing is kept afterwards: what a store has is looked up each time. When a computation fails,
    each thread that waited for it computes the value itself.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: dict[Key, _Call[T]] = {}

    def get(
        self, key: Key, compute: Callable[[], T], known: Callable[[], T | None] = lambda: None
    ) -> T:
        """Return the value of a key, of another thread's computation if there is one.

        Args:
            key: Its name.
            compute: Makes it, and where one is kept keeps it.
            known: Looks up what is kept: whoever missed it may come when the computation is over.
        """
        call, is_own = self._join(key)
        while not is_own:
            call.ended.wait()
            if call.values:
                return call.values[0]
            call, is_own = self._join(key)
        try:
            found = known()
            value = compute() if found is None else found
            call.values.append(value)
            return value
        finally:
            with self._lock:
                del self._calls[key]
            call.ended.set()

    def _join(self, key: Key) -> tuple[_Call[T], bool]:
        with self._lock:
            found = self._calls.get(key)
            if found is not None:
                return found, False
            made = self._calls[key] = _Call[T]()
            return made, True

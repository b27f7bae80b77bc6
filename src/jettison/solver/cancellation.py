"""A way to stop what runs: set once, from any thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from jettison.errors import SolveError


class CancelledError(SolveError):
    """The vertex was stopped because another failed or the user interrupted; never shown."""


class Cancellation:
    """Collects what must be stopped while it runs.

    Concurrency: every method may be called from any thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stops: dict[int, Callable[[], None]] = {}
        self._next = 0
        self._cancelled = False

    @property
    def cancelled(self) -> bool:
        """Whether ``cancel`` was called."""
        return self._cancelled

    def check(self) -> None:
        """Raise ``CancelledError`` after ``cancel`` was called."""
        if self._cancelled:
            raise CancelledError("canceled")

    def cancel(self) -> None:
        """Stop everything that is registered and all that will be.

        Raises:
            Exception: what a stop raised, after all were called.
        """
        with self._lock:
            self._cancelled = True
            stops = list(self._stops.values())
        with ExitStack() as all_of_them:  # calls each of them, whatever the others raise
            for stop in reversed(stops):
                all_of_them.callback(stop)

    @contextmanager
    def stopping(self, stop: Callable[[], None]) -> Iterator[None]:
        """Call ``stop`` if ``cancel`` happens inside the block (at once if it did before)."""
        with self._lock:
            number, self._next = self._next, self._next + 1
            self._stops[number] = stop
            late = self._cancelled
        try:
            if late:
                stop()
            yield
        finally:
            with self._lock:
                del self._stops[number]

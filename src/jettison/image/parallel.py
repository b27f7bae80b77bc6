"""The same work on several things at once, all of it ended when one fails.

In:  jobs, ordered by who is needed first.
Out: their results in the same order.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

from jettison.concurrency import INTERRUPTS

T = TypeVar("T")

PACKERS = 2
"""Layers packed at the same time; each has threads of its own."""


class Abandoned(Exception):  # noqa: N818 - no error: another job failed, and that one is raised
    """Work ends because other work that belongs to it failed."""


class Stop:
    """Tells jobs that their work is not wanted any more."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        """Ask all jobs to end."""
        self._event.set()

    def check(self) -> None:
        """Raise ``Abandoned`` when the work is not wanted any more."""
        if self._event.is_set():
            raise Abandoned


def run_parallel(jobs: Sequence[Callable[[Stop], T]], *, limit: int) -> list[T]:
    """Run jobs in threads, started in order; wait for all of them, whatever happens.

    Args:
        jobs: Each should ``check()`` its ``Stop`` between pieces of work.
        limit: At most so many run at the same time.

    Raises:
        BaseException: of the first job that failed; the others were asked to stop and have ended.
    """
    stop = Stop()
    if len(jobs) == 1 or limit == 1:
        return [job(stop) for job in jobs]
    results: dict[int, T] = {}
    errors: list[BaseException] = []
    numbers = itertools.count()

    def work() -> None:
        while not errors and (number := next(numbers)) < len(jobs):
            try:
                stop.check()
                results[number] = jobs[number](stop)
            except Abandoned:
                return
            except BaseException as error:  # noqa: BLE001 - raised by the caller's thread
                errors.append(error)
                stop.set()

    count = min(limit, len(jobs))
    threads = [threading.Thread(target=work, name=f"image-{n}", daemon=True) for n in range(count)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    except BaseException as error:
        stop.set()
        _end(threads, error)
        raise
    if errors:
        raise errors[0]
    return [results[number] for number in range(len(jobs))]


def _end(threads: Sequence[threading.Thread], why: BaseException) -> None:
    if isinstance(why, KeyboardInterrupt):
        INTERRUPTS.interrupt()
    for thread in threads:
        if thread.ident is not None:
            thread.join()

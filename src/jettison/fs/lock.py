"""Locks between processes, as files that the kernel unlocks when their holder dies.

In:  a path on a local file system.
Out: a lock that is held by one open file (``flock(2)``): shared or exclusive.

Lock files may be removed by their holder: who gets a lock checks that the file still has its
name, and else starts over, so a removed file is never taken for the lock.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

_POLL_SECONDS = 0.02
_SIGNED_BYTES = 400


class FileLock:
    """A lock of one path.

    Two ``FileLock`` of one path exclude each other, in one process, too. A single one is not for
    several threads.

    Args:
        path: The lock file; made when it is not there. Its directory must be.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = -1

    @property
    def descriptor(self) -> int:
        """Of the lock, -1 where it is not held.

        A program that inherits it holds the lock, too, until it ends.
        """
        return self._descriptor

    def acquire(
        self,
        *,
        shared: bool = False,
        wait: bool = True,
        on_wait: Callable[[], None] | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> bool:
        """Take the lock.

        Args:
            shared: Others may share it, too.
            wait: Wait until it is free; else return False at once when it is not.
            on_wait: Called once, before waiting.
            stop: Asked while waiting; waiting ends with False when it returns True.

        Returns:
            Whether the lock is held now.

        Raises:
            OSError: the file cannot be opened.
        """
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        notified = on_wait is None
        while True:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                if not _try_lock(descriptor, kind):
                    if not wait:
                        return False
                    if not notified and on_wait is not None:
                        notified = True
                        on_wait()
                    if not _wait_for(descriptor, kind, stop):
                        return False
                if _has_name(descriptor, self.path):
                    self._descriptor, descriptor = descriptor, -1
                    return True
            finally:
                if descriptor >= 0:
                    os.close(descriptor)

    def sign(self, holder: str) -> None:
        """Write who holds the lock into its file, for those who wait; what cannot be is left."""
        with contextlib.suppress(OSError):
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, holder.encode(errors="replace")[:_SIGNED_BYTES], 0)

    def signature(self) -> str:
        """Return who signed last; empty if nobody did."""
        try:
            with self.path.open("rb") as file:
                return file.read(_SIGNED_BYTES).decode(errors="replace")
        except OSError:
            return ""

    def release(self, *, remove: bool = False) -> None:
        """Give the lock back; ``remove`` unlinks the file of an exclusive lock before."""
        if self._descriptor < 0:
            return
        descriptor, self._descriptor = self._descriptor, -1
        try:
            if remove:
                self.path.unlink(missing_ok=True)
        finally:
            os.close(descriptor)

    @contextmanager
    def held(
        self,
        *,
        shared: bool = False,
        on_wait: Callable[[], None] | None = None,
        remove: bool = False,
    ) -> Iterator[None]:
        """Hold the lock for the length of a block; see ``acquire`` and ``release``."""
        self.acquire(shared=shared, on_wait=on_wait)
        try:
            yield
        finally:
            self.release(remove=remove)

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def _try_lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait_for(descriptor: int, kind: int, stop: Callable[[], bool] | None) -> bool:
    """Wait for a lock; poll where the caller may change its mind: flock(2) cannot be cancelled."""
    if stop is None:
        fcntl.flock(descriptor, kind)
        return True
    while not stop():
        if _try_lock(descriptor, kind):
            return True
        time.sleep(_POLL_SECONDS)
    return False


def _has_name(descriptor: int, path: Path) -> bool:
    """Tell whether an open file is still the one with the name."""
    ours = os.fstat(descriptor)
    try:
        theirs = os.stat(path)
    except FileNotFoundError:
        return False
    return (ours.st_dev, ours.st_ino) == (theirs.st_dev, theirs.st_ino)

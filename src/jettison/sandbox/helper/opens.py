"""Reads what is opened in watched directories while a container runs.

In:  a descriptor of inotify, the directories of its watches.
Out: ``Opened``, when the container has ended.

Concurrency: a thread of its own empties the kernel's queue, which is short.
"""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Sequence

from jettison.linux import inotify
from jettison.sandbox.base import Opened

_MOST_FILES = 1 << 18


class OpenReader:
    """Reads until it is asked to finish.

    Args:
        descriptor: Of inotify; closed by ``finish``.
        directories: Paths in the container.
        watches: Their numbers, -1 for one that is not watched.
    """

    def __init__(self, descriptor: int, directories: Sequence[str], watches: Sequence[int]) -> None:
        self._descriptor = descriptor
        pairs = zip(watches, directories, strict=False)
        self._directories = {watch: path for watch, path in pairs if watch >= 0}
        self._is_whole = len(self._directories) == len(directories)
        self._files: set[str] = set()
        self._listed: set[str] = set()
        self._stopped, self._stop = os.pipe2(os.O_CLOEXEC)
        self._thread = threading.Thread(target=self._read, name="opens", daemon=True)
        self._thread.start()

    def finish(self) -> Opened:
        """Return all that was opened; the descriptor is closed."""
        os.close(self._stop)
        self._thread.join()
        os.close(self._stopped)
        os.close(self._descriptor)
        return Opened(
            frozenset(self._directories.values()),
            frozenset(self._files),
            frozenset(self._listed),
            self._is_whole,
        )

    def _read(self) -> None:
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        poll.register(self._stopped, select.POLLIN)
        stopped = False
        while not stopped:
            stopped = any(descriptor == self._stopped for descriptor, _ in poll.poll())
            for watch, mask, name in inotify.events(self._descriptor):
                self._take(watch, mask, name)

    def _take(self, watch: int, mask: int, name: bytes) -> None:
        if mask & inotify.OVERFLOWED or len(self._files) >= _MOST_FILES:
            self._is_whole = False
            return
        directory = self._directories.get(watch)
        if directory is None or not mask & inotify.OPENED:
            return
        if mask & inotify.IS_DIRECTORY:
            if not name:
                self._listed.add(directory)
            return
        self._files.add(f"{directory.rstrip('/')}/{os.fsdecode(name)}")

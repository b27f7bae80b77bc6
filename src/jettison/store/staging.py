"""Places for what is being made, which vanish with the process that made them.

In:  nothing.
Out: fresh directories and file names below ``tmp/``, to be renamed into place.

On disk: each process owns ``tmp/<owner>/`` and holds a lock on ``tmp/<owner>.owner``. The kernel
releases that lock when the process ends, however it ends, so whoever finds it free may take the
directory away. The lock is taken before the directory is made, and the file is unlinked after the
directory was moved, so a directory without an owner file is always debris.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable
from pathlib import Path

from jettison.errors import StorageError
from jettison.fs.lock import FileLock

_OWNER = ".owner"
_LOCK = ".lock"


class Staging:
    """The ``tmp`` directory of a store; thread-safe.

    Args:
        root: It; made by the store.
        trash: Takes a path away.
    """

    def __init__(self, root: Path, trash: Callable[[Path], None]) -> None:
        self._root = root
        self._trash = trash
        self._guard = threading.Lock()
        self._owner: FileLock | None = None
        self._own: Path | None = None
        self._numbers = itertools.count(1)

    @property
    def owner(self) -> str:
        """Name of this process in the store, alive as long as its lock is held."""
        return self.directory().name

    @staticmethod
    def process(owner: str) -> int:
        """Return the ID of the process of that name."""
        return int(owner.partition("-")[0], 16)

    def fresh_directory(self) -> Path:
        """Make an empty directory, permission 0700.

        Raises:
            OSError: it cannot be made.
        """
        path = self.fresh_name()
        path.mkdir(0o700)
        return path

    def fresh_name(self) -> Path:
        """Return a path that nobody uses, in a directory of this process."""
        return self.directory() / str(next(self._numbers))

    def lock(self, name: str) -> FileLock:
        """Return a lock that all processes share by name (a cache key, a cache mount)."""
        return FileLock(self._root / (name.replace(":", "-").replace("/", "-") + _LOCK))

    def is_alive(self, owner: str) -> bool:
        """Tell whether the process of that name still runs."""
        if self._own is not None and owner == self._own.name:
            return True
        path = self._root / (owner + _OWNER)
        if not path.exists():
            return False
        lock = FileLock(path)
        if not lock.acquire(wait=False):
            return True
        self._take_away(owner, lock)
        return False

    def collect(self) -> None:
        """Take away what dead processes left; one directory listing when there is nothing.

        What belongs to another user stays where it is: debris does no harm.
        """
        with os.scandir(self._root) as entries:
            names = [entry.name for entry in entries]
        for name in names:
            try:
                self._collect(name)
            except (OSError, StorageError):
                continue

    def _collect(self, name: str) -> None:
        if name.endswith(_OWNER):
            self.is_alive(name.removesuffix(_OWNER))
        elif not name.endswith(_LOCK) and not (self._root / (name + _OWNER)).exists():
            self._trash(self._root / name)

    def collect_locks(self) -> None:
        """Remove lock files that nobody holds, left by killed processes."""
        for path in self._root.glob("*" + _LOCK):
            lock = FileLock(path)
            if lock.acquire(wait=False):
                lock.release(remove=True)

    def close(self) -> None:
        """Give up this process's directory with all that is still in it."""
        with self._guard:
            if self._owner is not None and self._own is not None:
                lock, self._owner, self._own = self._owner, None, None
                self._take_away(lock.path.name.removesuffix(_OWNER), lock)

    def _take_away(self, owner: str, lock: FileLock) -> None:
        """Remove the directory of an owner whose lock is held here, then its file."""
        try:
            path = self._root / owner
            try:
                path.rmdir()  # the usual case: everything was renamed into place
            except FileNotFoundError:
                pass
            except OSError:
                self._trash(path)
        except BaseException:
            lock.release()
            raise
        lock.release(remove=True)

    def directory(self) -> Path:
        """Return the directory of this process; made at the first call."""
        with self._guard:
            if self._own is None:
                while True:
                    name = f"{os.getpid():x}-{os.urandom(6).hex()}"
                    lock = FileLock(self._root / (name + _OWNER))
                    if lock.acquire(wait=False):
                        break
                path = self._root / name
                path.mkdir(0o700)
                self._owner, self._own = lock, path
            return self._own

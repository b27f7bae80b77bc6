"""The directory of one container in the store.

In:  its path.
Out: record, state, the places of its files.

On disk, 0700::

    containers/<id>/record.json   ``ContainerRecord``, never changed
    containers/<id>/state.json    ``ContainerState``, replaced by renaming
    containers/<id>/lock          held by the process that keeps the container running
    containers/<id>/control       socket of that process (``state.server``)
    containers/<id>/log, log.1    output (``state.log``)
    containers/<id>/fs, work      what the container changed, in overlay form; overlay's own

The kernel releases the lock when its process ends, however it ends: a container that is said to
run and whose lock is free is dead.
"""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import msgspec

from jettison.container.state.document import decode, encode
from jettison.container.state.record import ContainerRecord, ContainerState, Status
from jettison.errors import StorageError
from jettison.fs.atomic import write_atomically
from jettison.fs.lock import FileLock
from jettison.fs.os_errors import storage_errors

T = TypeVar("T")

_RECORD = "record.json"
_STATE = "state.json"
_KILLED = 137


class ContainerDirectory:
    """One container; any process of the store's user may have it.

    Args:
        path: Its directory, whose name is the container's ID.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.upper = path / "fs"
        self.work = path / "work"
        self.log = path / "log"

    @property
    def id(self) -> str:
        """The container's ID."""
        return self.path.name

    def record(self) -> ContainerRecord:
        """Return what the container was made of.

        Raises:
            FileNotFoundError: it is gone.
            StorageError: the file is damaged.
        """
        return self._read(_RECORD, ContainerRecord)

    def write_record(self, record: ContainerRecord) -> None:
        """Write what the container is made of, once."""
        with storage_errors(self.path):
            write_atomically(self.path / _RECORD, encode(record), mode=0o600)

    def state(self) -> ContainerState:
        """Return how it goes.

        Raises:
            FileNotFoundError: it is gone.
            StorageError: the file is damaged.
        """
        state = self._read(_STATE, ContainerState)
        if state.status is not Status.RUNNING or self.is_kept():
            return state
        state = self._read(_STATE, ContainerState)  # it may have ended just now
        if state.status is not Status.RUNNING:
            return state
        return msgspec.structs.replace(state, status=Status.DEAD, pid=0, exit_code=_KILLED)

    def write_state(self, state: ContainerState) -> None:
        """Replace the state.

        Raises:
            StorageError: it cannot be written.
        """
        with storage_errors(self.path):
            write_atomically(self.path / _STATE, encode(state), mode=0o600)

    def lock(self) -> FileLock:
        """Return the lock of whoever keeps the container running, or removes it."""
        return FileLock(self.path / "lock")

    def is_kept(self) -> bool:
        """Tell whether a process keeps it running."""
        lock = self.lock()
        if not lock.acquire(shared=True, wait=False):
            return True
        lock.release()
        return False

    def _read(self, name: str, kind: type[T]) -> T:
        try:
            return decode((self.path / name).read_bytes(), kind)
        except ValueError as error:
            raise StorageError(
                f"the container {self.id[:12]} is damaged: `{self.path / name}`: {error}",
                hint=f"remove it: `jettison rm -f {self.id[:12]}`",
            ) from error

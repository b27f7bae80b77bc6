"""The containers of a store: found by name or ID, made, removed.

In:  an open store.
Out: ``Container``s.

Concurrency: names are taken under one lock. A container appears by one rename and vanishes by
one, into the trash; whoever removes it holds its lock, so that nobody keeps it running.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from jettison.container.state.directory import ContainerDirectory
from jettison.container.state.names import checked_name, random_name
from jettison.container.state.record import NEW, ContainerRecord, ContainerState, Status
from jettison.errors import ContainerError, StorageError
from jettison.fs.os_errors import storage_errors
from jettison.snapshot.base import ActiveSnapshot
from jettison.store.store import Store

_ID = re.compile(r"[0-9a-f]{64}")
_LOCK = "containers"


class Container(msgspec.Struct, frozen=True):
    """A container: where it is, what it is."""

    directory: ContainerDirectory
    record: ContainerRecord

    def state(self) -> ContainerState:
        """Return how it goes.

        Raises:
            ContainerError: it is gone.
        """
        try:
            return self.directory.state()
        except FileNotFoundError:
            raise no_such(self.record.id) from None


def no_such(text: str) -> ContainerError:
    """Return the error for a container that there is not."""
    return ContainerError(f"No such container: {text}", hint="`jettison ps -a` lists them")


class Catalog:
    """All containers of a store.

    Args:
        store: It.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._root = store.containers

    def all(self) -> list[Container]:
        """Return all containers, the latest first; those that are damaged are left out."""
        found = []
        for name in self._names():
            try:
                found.append(self._read(name))
            except (FileNotFoundError, StorageError):
                continue
        return sorted(found, key=lambda each: -each.record.created_ns)

    def find(self, text: str) -> Container:
        """Return the container of a name, an ID or the beginning of one.

        Raises:
            ContainerError: none, or several.
            StorageError: it is damaged.
        """
        name = text.removeprefix("/")
        if _ID.fullmatch(text):
            names = [each for each in self._names() if each == text]
        else:
            everything = self.all()
            named = [each for each in everything if each.record.name == name]
            if named:
                return named[0]
            names = [each for each in self._names() if text and each.startswith(text)]
        if len(names) > 1:
            raise ContainerError(f"multiple IDs found with provided prefix: {text}")
        try:
            return self._read(names[0])
        except (IndexError, FileNotFoundError):
            raise no_such(text) from None

    def add(self, record: ContainerRecord, active: ActiveSnapshot) -> Container:
        """Make a container of an active snapshot, which is gone from its place then.

        Args:
            record: Its name may be empty: then it gets one.
            active: What it has changed so far.

        Raises:
            UsageError: it cannot have that name.
            ContainerError: another one has it.
            StorageError: it cannot be written.
        """
        given = checked_name(record.name) if record.name else ""
        with storage_errors(self._root), self._store.lock(_LOCK).held():
            self._root.mkdir(0o700, exist_ok=True)
            taken = {each.record.name: each.record.id for each in self.all()}
            if given in taken:
                raise ContainerError(
                    f'Conflict. The container name "/{given}" is already in use by container '
                    f'"{taken[given]}". You have to remove (or rename) that container to be able '
                    "to reuse that name.",
                    hint=f"remove it with `jettison rm {given}`, or run with `--rm`",
                )
            record = msgspec.structs.replace(record, name=given or random_name(taken.keys()))
            made = ContainerDirectory(active.path)
            made.write_record(record)
            made.write_state(NEW)
            place = self._root / record.id
            active.path.rename(place)
        return Container(ContainerDirectory(place), record)

    def remove(self, container: Container) -> None:
        """Take a container away that nobody keeps running; it may be gone already.

        Raises:
            StorageError: it cannot be moved.
        """
        try:
            with container.directory.lock().held():
                self._store.trash(container.directory.path)
        except FileNotFoundError:
            return

    def damaged(self, text: str) -> ContainerDirectory | None:
        """Return the directory of a container that cannot be read, by the beginning of its ID."""
        for name in self._names():
            if text and name.startswith(text):
                try:
                    self._read(name)
                except StorageError:
                    return ContainerDirectory(self._root / name)
                except FileNotFoundError:
                    continue
        return None

    def users_of(self, image_id: str) -> Sequence[Container]:
        """Return the containers of an image."""
        return [each for each in self.all() if each.record.image_id == image_id]

    def layers(self) -> set[str]:
        """Return the layers that containers need."""
        return {layer for each in self.all() for layer in each.record.layers}

    def _names(self) -> list[str]:
        try:
            names = [path.name for path in self._root.iterdir()]
        except FileNotFoundError:
            return []
        return sorted(name for name in names if _ID.fullmatch(name))

    def _read(self, name: str) -> Container:
        directory = ContainerDirectory(self._root / name)
        return Container(directory, directory.record())


def is_running(state: ContainerState) -> bool:
    """Tell whether a container runs."""
    return state.status is Status.RUNNING

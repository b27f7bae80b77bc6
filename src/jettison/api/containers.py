"""What is done with containers that are there: listed, stopped, waited for, removed.

In:  a session, names or IDs as users write them.
Out: values that a command line or a program can show.

Nothing here needs a user namespace but the removal, since others' ids own the files.
"""

from __future__ import annotations

import signal
from collections.abc import Sequence

import msgspec

from jettison.api.detach import start_detached
from jettison.api.session import Session
from jettison.container.state.catalog import Catalog, Container, is_running
from jettison.container.state.protocol import Connection, Ended, Request, Signal, Watch, connect
from jettison.container.state.record import ContainerRecord, ContainerState, Status
from jettison.errors import ContainerError, InvalidReferenceError, JettisonError
from jettison.linux.poll import readable
from jettison.oci.digest import short
from jettison.oci.reference import parse_reference
from jettison.snapshot.changes import layer_facts

STOP_SECONDS = 10
"""How long ``stop`` waits by default, as docker's."""


class Listed(msgspec.Struct, frozen=True):
    """A container, how it goes, and how its image is called now: its ID if it lost its name."""

    container: Container
    state: ContainerState
    image: str


class Pruned(msgspec.Struct, frozen=True):
    """What ``container prune`` removed: IDs, and the bytes that the containers had written."""

    ids: tuple[str, ...]
    freed_bytes: int


def list_containers(session: Session) -> list[Listed]:
    """Return all containers, the latest first."""
    found = []
    for container in Catalog(session.store).all():
        try:
            image = _image_of(session, container.record)
            found.append(Listed(container, container.state(), image))
        except JettisonError:
            continue  # it is gone just now, or damaged
    return found


def _image_of(session: Session, record: ContainerRecord) -> str:
    try:
        name = str(parse_reference(record.image))
    except InvalidReferenceError:
        return short(record.image_id)
    found = session.store.images.lookup(name)
    if found is not None and found.id == record.image_id:
        return record.image
    digits = record.image.removeprefix("sha256:")
    is_id = found is None and record.image_id.startswith(f"sha256:{digits}")
    return record.image if is_id else short(record.image_id)


def find_container(session: Session, text: str) -> Container:
    """Return the container of a name, an ID or the beginning of one.

    Raises:
        ContainerError: none, or several.
    """
    return Catalog(session.store).find(text)


def watched(container: Container) -> Connection | None:
    """Return a connection that says when a container has ended; None when it does not run."""
    link = connect(container.directory.path)
    if link is not None:
        try:
            link.send(Watch())
        except OSError:
            link.close()
            return None
    return link


def wait_for(session: Session, text: str) -> int:
    """Wait until a container has ended; return its exit code.

    Raises:
        ContainerError: there is no such container.
    """
    container = find_container(session, text)
    link = watched(container)
    if link is not None:
        with link:
            answer, _ = link.answer()
        if isinstance(answer, Ended):
            return answer.exit_code
    return container.state().exit_code


def stop(
    session: Session, text: str, *, seconds: int | None = None, number: int | None = None
) -> None:
    """Ask a container to end, and kill it when it has not after a while.

    Args:
        session: The store.
        text: Name or ID.
        seconds: How long it has; None asks what the container says, -1 waits without end.
        number: The signal; None takes the container's.

    Raises:
        ContainerError: there is no such container.
    """
    container = find_container(session, text)
    record = container.record
    if seconds is None:
        seconds = STOP_SECONDS if record.stop_seconds is None else record.stop_seconds
    link = watched(container)
    if link is None:
        return  # it does not run
    with link:
        if seconds:
            _tell(container, Signal(record.stop_signal if number is None else number))
            if readable([link.fileno()], None if seconds < 0 else seconds):
                return
        _tell(container, Signal(signal.SIGKILL))
        link.answer()


def kill(session: Session, text: str, number: int) -> None:
    """Send a signal to the program of a container.

    Raises:
        ContainerError: there is no such container, or it does not run.
    """
    container = find_container(session, text)
    link = watched(container) if number == signal.SIGKILL else None
    if not _tell(container, Signal(number)):
        full = container.record.id
        raise ContainerError(f"cannot kill container: {text}: container {full} is not running")
    if link is not None:
        with link:
            link.answer()  # as with docker, it has ended then


def start(session: Session, text: str) -> tuple[str, ...]:
    """Start a container that has ended, in the background; return what is otherwise than asked.

    Nothing happens to one that runs.

    Raises:
        ContainerError: there is no such container.
        JettisonError: see ``start_detached``.
    """
    container = find_container(session, text)
    if is_running(container.state()):
        return ()
    return start_detached(session, container)


def remove(session: Session, text: str, *, force: bool = False) -> None:
    """Remove a container.

    Args:
        session: The store.
        text: Name or ID.
        force: End it before; and it is no error that there is none.

    Raises:
        NamespaceRequired: the process may not do that as it is.
        ContainerError: there is no such container, or it runs.
    """
    session.require_namespace()
    catalog = Catalog(session.store)
    try:
        container = catalog.find(text)
    except JettisonError:
        damaged = catalog.damaged(text) if force else None
        if damaged is None:
            raise
        session.store.trash(damaged.path)
        return
    state = container.state()
    starts = state.status is Status.CREATED and container.directory.is_kept()
    if is_running(state) or starts:
        if not force:
            raise ContainerError(
                f'cannot remove container "{container.record.name}": container is running: '
                "stop the container before removing or force remove",
                hint=f"use `jettison stop {text}` or `jettison rm -f {text}`",
            )
        stop(session, text, seconds=0)
    catalog.remove(container)


def prune_containers(session: Session, chosen: Sequence[Listed] | None = None) -> Pruned:
    """Remove the containers that do not run.

    Args:
        session: The store.
        chosen: Those that may go; None is all.

    Raises:
        NamespaceRequired: the process may not do that as it is.
    """
    session.require_namespace()
    gone, freed = [], 0
    for each in list_containers(session) if chosen is None else chosen:
        if is_running(each.state) or each.container.directory.is_kept():
            continue
        freed += written_bytes(session, each.container)
        Catalog(session.store).remove(each.container)
        gone.append(each.container.record.id)
    return Pruned(tuple(gone), freed)


def written_bytes(session: Session, container: Container) -> int:
    """Return the bytes of files that a container has written."""
    try:
        return layer_facts(container.directory.upper, session.ownership).size_bytes
    except OSError:
        return 0


def _tell(container: Container, request: Request) -> bool:
    """Ask whoever keeps a container running; tell whether anybody does."""
    link = connect(container.directory.path)
    if link is None:
        return False
    with link:
        try:
            link.send(request)
            answer, _ = link.answer()
        except OSError:
            return False
    return answer is not None

"""``cp``: files between a container and the host, or as a tar archive.

In:  a session, two places.
Out: files; what was left out.

A container that runs shows its files by one of its processes; one that does not is put together
for it, without its program.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import BinaryIO

from jettison.api.container import container_mounts
from jettison.api.containers import find_container
from jettison.api.session import Session
from jettison.container.files.pack import Packer
from jettison.container.files.place import Place, is_directory
from jettison.container.files.unpack import Unpacker
from jettison.container.state.catalog import Container
from jettison.container.state.protocol import OpenRoot, connect
from jettison.container.state.record import ContainerRecord
from jettison.errors import ContainerError, SandboxUnavailableError
from jettison.sandbox.base import Sandbox, Streams
from jettison.sandbox.level import DRIVERS, IN_CONTAINER, SINGLE_ID
from jettison.sandbox.select import choose
from jettison.sandbox.spec import Root, RootKind, SandboxSpec


@contextmanager
def container_root(session: Session, text: str) -> Iterator[int]:
    """Give a descriptor of the root directory of a container, with all that is mounted in it.

    Raises:
        NamespaceRequired: the process may not do that as it is.
        ContainerError: there is no such container, or it cannot be entered.
    """
    container = find_container(session, text)
    session.require_namespace(container.record.isolation)
    link = connect(container.directory.path)
    if link is None:
        with _put_together(session, container) as root:
            yield root
        return
    with link:
        link.send(OpenRoot())
        _, received = link.answer()
    if not received:
        raise ContainerError("the container was killed")
    try:
        _require_access(received[0], text)
        yield received[0]
    finally:
        os.close(received[0])


def _require_access(root: int, text: str) -> None:
    """See that the files of a container that runs can be read and written from here.

    Raises:
        ContainerError: the kernel lets only who is in the container's user namespace.
    """
    try:
        os.stat(".", dir_fd=root)
    except PermissionError as error:
        raise ContainerError(
            f"the files of `{text}` are served by fuse-overlayfs, to its own processes only",
            hint=f"stop it before, or use a program in it: `jettison exec {text} tar c DIR`",
        ) from error


@contextmanager
def host_root() -> Iterator[int]:
    """Give a descriptor of the host's root directory."""
    root = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield root
    finally:
        os.close(root)


@contextmanager
def _put_together(session: Session, container: Container) -> Iterator[int]:
    """Give the root directory of a container that does not run."""
    directory, record = container.directory, container.record
    with ExitStack() as stack:
        lock = directory.lock()
        if not lock.acquire(wait=False):
            raise ContainerError(f"container {record.short_id} is being started or copied from")
        stack.callback(lock.release)
        lowers = tuple(session.blobs.materialise(record.layers))
        directory.work.mkdir(exist_ok=True)
        spec = SandboxSpec(
            root=Root(RootKind.OVERLAY, directory.upper, directory.work, lowers),
            argv=("",),
            env=(),
            mounts=container_mounts(record.request),
            shows_root=True,
        )
        ours, theirs = socket.socketpair()
        stack.enter_context(ours)
        with theirs:
            end = theirs.fileno()
            running = _sandbox(session, record, stack).start(spec, Streams(end, end, end))
        try:
            _, received, _, _ = socket.recv_fds(ours, 1, 1, socket.MSG_CMSG_CLOEXEC)
            if not received:
                running.wait()  # says why
                raise ContainerError("the container's files cannot be seen")
            try:
                yield received[0]
            finally:
                os.close(received[0])
        finally:
            running.kill()
            with contextlib.suppress(SandboxUnavailableError):
                running.wait()


def _sandbox(session: Session, record: ContainerRecord, stack: ExitStack) -> Sandbox:
    """Return what puts a container together without its program: no runtime does that.

    Raises:
        SandboxUnavailableError: the level that the container was made for does not work.
    """

    def chosen(isolation: str) -> Sandbox:
        sandbox = choose(
            session.ownership,
            isolation,
            cache_dir=session.store.root,
            snapshotter=record.snapshotter,
        )
        stack.callback(sandbox.close)
        return sandbox

    own = chosen(record.isolation if record.isolation in {SINGLE_ID, IN_CONTAINER} else "")
    return chosen(DRIVERS[0]) if own.name.startswith("oci:") else own


def copy(
    source: Place, target: Place, *, follow: bool = False, archive: bool = False, into: bool = False
) -> tuple[int, list[str]]:
    """Copy a file or directory as docker does.

    Args:
        source: What is read.
        target: Where it goes.
        follow: A link that the source is is followed.
        archive: Owners and all mode bits are kept.
        into: The target is in a container, whose root gets the files.

    Returns:
        Bytes of files; what was left out.

    Raises:
        ContainerError: one of the places is not there, or of the wrong kind.
        OSError: a file cannot be read or written.
    """
    name, place = _arrange(source, target, follow=follow)
    reading, writing = os.pipe()
    with open(reading, "rb") as stream, place.opened() as directory:
        packing = _Packing(source, name, writing, follow=follow)
        unpacker = Unpacker(directory, owner=(0, 0) if into else None, archive=archive)
        try:
            unpacker.unpack(stream)
        finally:
            stream.close()
            packing.join()
    if packing.problem is not None:
        raise packing.problem
    return packing.copied_bytes, unpacker.left_out


class _Packing(threading.Thread):
    """Writes the archive, while it is read."""

    def __init__(self, source: Place, name: str, writing: int, *, follow: bool) -> None:
        super().__init__(name="pack", daemon=True)
        self._source, self._name, self._writing = source, name, writing
        self._follow = follow
        self.problem: Exception | None = None
        self.copied_bytes = 0
        self.start()

    def run(self) -> None:
        """Do it."""
        try:
            with open(self._writing, "wb") as sink:
                self.copied_bytes = write_archive(
                    self._source, sink, self._name, follow=self._follow
                )
        except BrokenPipeError:
            return  # who reads says why
        except Exception as error:  # noqa: BLE001 - raised in the other thread
            self.problem = error


def write_archive(
    source: Place, sink: BinaryIO, name: str | None = None, *, follow: bool = False
) -> int:
    """Write a file or directory as a tar archive; return the bytes of files.

    Args:
        source: It.
        sink: Gets the archive.
        name: In the archive; empty is what is in a directory, None its own name.
        follow: A link that the source is is followed.

    Raises:
        ContainerError: there is nothing.
    """
    mode = source.mode(follow=follow)
    if mode is None:
        raise _absent(source)
    packer = Packer(sink)
    name = source.name if name is None else name
    if is_directory(mode):
        with source.opened() as directory:
            packer.add(directory, ".", name)
    else:
        if follow:
            source = _resolved(source)
        with source.parent.opened() as directory:
            packer.add(directory, source.name, name)
    packer.close()
    return packer.copied_bytes


def read_archive(stream: BinaryIO, target: Place, *, archive: bool = False) -> list[str]:
    """Write the files of a tar archive into a directory of a container.

    Returns:
        What was left out.

    Raises:
        ContainerError: there is no such directory, or the archive is none.
    """
    mode = target.mode()
    if mode is None:
        raise _absent(target)
    if not is_directory(mode):
        raise ContainerError(f"destination `{target.shown}` must be a directory")
    with target.opened() as directory:
        unpacker = Unpacker(directory, owner=(0, 0), archive=archive)
        unpacker.unpack(stream)
    return unpacker.left_out


def _arrange(source: Place, target: Place, *, follow: bool) -> tuple[str, Place]:
    """Return the name that a source gets, and the directory that it is in.

    Source: docker's ``archive.PrepareArchiveCopy``.
    """
    kind, there = source.mode(follow=follow), target.mode()
    if kind is None:
        raise _absent(source)
    is_dir = is_directory(kind)
    if source.asks_for_directory and not is_dir:
        raise ContainerError(f"`{source.shown}` is not a directory")
    if is_directory(there):
        contents = is_dir and (source.means_contents or not source.name)
        return ("" if contents else source.name), target
    if there is not None:
        if is_dir:
            raise ContainerError(f"cannot copy directory: `{target.shown}` is a file")
        if target.asks_for_directory:
            raise ContainerError(f"`{target.shown}` is not a directory")
        target = _resolved(target)
        return target.name, target.parent
    parent = target.parent
    if not is_directory(parent.mode()) or not target.name:
        raise _absent(parent)
    if not is_dir and target.asks_for_directory:
        raise ContainerError(f"destination directory `{target.shown}` does not exist")
    return target.name, parent


def _resolved(place: Place) -> Place:
    """Return where a link leads, below the root."""
    from jettison.linux.files import open_in_root

    descriptor = open_in_root(place.root, os.fsencode(place.path), os.O_PATH)
    root = os.readlink(f"/proc/self/fd/{place.root}")
    try:
        found = os.readlink(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)
    path = found if root == "/" else found.removeprefix(root)
    return Place(place.root, path, place.shown)


def _absent(place: Place) -> ContainerError:
    name, colon, path = place.shown.partition(":")
    if colon and "/" not in name:
        return ContainerError(f"Could not find the file {path} in container {name}")
    return ContainerError(f"no such file or directory: `{place.shown}`")

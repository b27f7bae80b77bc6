"""Follows a container from its start to its end: in the foreground, or for one in the background.

In:  a session, a container of the store, what of the caller it gets.
Out: its exit code; its state, log and control socket meanwhile, for other processes.

Whoever calls this is all that keeps the container running: it ends with that process, and others
see by the lock in its directory that it has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import msgspec

from jettison.api.container import capabilities
from jettison.api.network import connect
from jettison.api.process import container_spec, joined_spec, require_user
from jettison.api.session import Session
from jettison.container.foreground import Attachment, run_attached
from jettison.container.state.catalog import Container
from jettison.container.state.keeper import ContainerKeeper
from jettison.container.state.protocol import Execute
from jettison.container.state.record import ContainerRecord
from jettison.errors import ContainerError, JettisonError
from jettison.fs.remove import remove_tree
from jettison.linux import binfmt
from jettison.oci.codec import decode
from jettison.oci.config import ImageConfig
from jettison.sandbox.base import Joined, Running, Sandbox, Streams
from jettison.sandbox.spec import NETWORK_CAPABILITIES, NetworkMode, SandboxSpec


class Run(msgspec.Struct, frozen=True):
    """How a run of a container ended.

    Args:
        code: Its exit code.
        problem: Why its program could not be executed, if that was so.
    """

    code: int
    problem: str = ""


def supervise(
    session: Session,
    container: Container,
    attachment: Attachment,
    warn: Callable[[str], None] = lambda _: None,
    on_start: Callable[[], None] = lambda: None,
) -> Run:
    """Run a container until it ends.

    Args:
        session: The store.
        container: It; must not run.
        attachment: What of the caller it gets.
        warn: Gets what is otherwise than asked, and why.
        on_start: Called when it runs, and its state says so.

    Raises:
        ContainerError: it runs already.
        JettisonError: it could not be set up; see ``errors``.
    """
    lock = container.directory.lock()
    if not lock.acquire(wait=False):
        raise ContainerError(f"container {container.record.short_id} is running already")
    try:
        seen = container.record.request.remove and attachment.stdout >= 0
        keeper = ContainerKeeper(container.directory, on_start, logs=not seen)
        try:
            code = _run(session, container, attachment, warn, keeper)
        except BaseException as error:
            keeper.failed(error.message if isinstance(error, JettisonError) else "interrupted")
            raise
        return Run(code, keeper.ended(code))
    finally:
        lock.release()


def _run(
    session: Session,
    container: Container,
    attachment: Attachment,
    warn: Callable[[str], None],
    keeper: ContainerKeeper,
) -> int:
    """Run it; nothing of it is left when this returns but its files."""
    with prepared(session, container, warn) as ready:
        keeper.prepare(ready.sandbox.name, ready.spec.network.value, ready.join)
        return run_attached(ready.sandbox, ready.spec, attachment, warn, keeper)


class Prepared(msgspec.Struct, frozen=True):
    """A container that can be started.

    Args:
        sandbox: The driver.
        spec: The container.
        join: Runs another process in it while it runs.
    """

    sandbox: Sandbox
    spec: SandboxSpec
    join: Callable[[Running, Execute, Streams], Joined]


@contextmanager
def prepared(
    session: Session, container: Container, warn: Callable[[str], None] = lambda _: None
) -> Iterator[Prepared]:
    """Have what a container needs to run: its directories, its layers, its network.

    Args:
        session: The store.
        container: It; its lock is held.
        warn: Gets what is otherwise than asked, and why.

    Raises:
        JettisonError: it could not be set up; see ``errors``.
    """
    directory, record = container.directory, container.record
    request = record.request
    with ExitStack() as resources:
        network = directory.path / "network"
        for place in (directory.work, network):
            remove_tree(place)  # of the last run
            place.mkdir(0o700)
        lowers = tuple(session.blobs.materialise(record.layers))
        _emulate(session, record)
        sandbox = session.sandbox()
        link = connect(request, sandbox.name, network, resources, warn)
        if link.mode is NetworkMode.SHARED and not request.privileged:
            asked = NETWORK_CAPABILITIES.intersection(capabilities(request.cap_add, ["ALL"]))
            for name in sorted(asked):
                warn(f"{name} is not given in a network that is shared: use `--network host`")
        spec = container_spec(session, record, directory, lowers, link)
        require_user(request.user, spec.uid, sandbox.name)

        def join(running: Running, wanted: Execute, streams: Streams) -> Joined:
            joined = joined_spec(session, spec, record, wanted)
            require_user(wanted.user, joined.uid, sandbox.name)
            return running.execute(joined, streams)

        yield Prepared(sandbox, spec, join)


def _emulate(session: Session, record: ContainerRecord) -> None:
    """Let programs of the container's image run, if they are for another processor."""
    image = session.store.images.get(record.image_id)
    if image is not None:
        architecture = decode(ImageConfig, image.config).architecture
        if not binfmt.is_native(architecture):
            binfmt.register((architecture,))

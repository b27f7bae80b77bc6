"""What is known about a container: what was asked for, and how it goes.

In:  a request with names looked up.
Out: frozen structs, which are kept in the container's directory (``state.directory``).
"""

from __future__ import annotations

import enum

import msgspec

from jettison.container.request import RunRequest
from jettison.oci.config import ContainerConfig
from jettison.oci.digest import Digest
from jettison.store.layer import LayerId


class ContainerRecord(msgspec.Struct, frozen=True):
    """What a container was made of and for; it never changes.

    Args:
        id: 64 hexadecimal digits.
        name: Without a slash.
        image: As its user wrote it.
        image_id: Which it was then.
        layers: Of its root file system, base first; kept for it.
        config: Of the image, which may be gone.
        argv: What runs: entry point and arguments.
        created_ns: Nanoseconds since the epoch.
        request: What was asked for.
        isolation, snapshotter, ca_bundle: Settings that held then.
        labels: Of the image, and those that were given.
        stop_signal: Number of the signal that asks it to end.
        stop_seconds: How long that is waited for; None asks docker's ten seconds.
    """

    id: str
    name: str
    image: str
    image_id: Digest
    layers: tuple[LayerId, ...]
    config: ContainerConfig
    argv: tuple[str, ...]
    created_ns: int
    request: RunRequest
    isolation: str = ""
    snapshotter: str = ""
    ca_bundle: str = ""
    labels: dict[str, str] = {}
    stop_signal: int = 15
    stop_seconds: int | None = None

    @property
    def short_id(self) -> str:
        """The twelve digits that are shown."""
        return self.id[:12]


class Status(enum.Enum):
    """What a container does. DEAD: whoever kept it running was killed, and it with that."""

    CREATED = "created"
    RUNNING = "running"
    EXITED = "exited"
    DEAD = "dead"


class ContainerState(msgspec.Struct, frozen=True):
    """How a container goes; replaced as a whole.

    Args:
        status: What it does.
        pid: Process that keeps it running, as the host knows it; 0 when it does not run.
        started_ns, finished_ns: Nanoseconds since the epoch; 0 for never.
        exit_code: Of its program; 128 + the number of the signal that killed it.
        error: Why it did not start, for people.
        sandbox: Driver that it runs in.
        network: ``own``, ``shared``, ``host`` or ``none``.
        logged: Whether what it writes is kept.
    """

    status: Status
    pid: int = 0
    started_ns: int = 0
    finished_ns: int = 0
    exit_code: int = 0
    error: str = ""
    sandbox: str = ""
    network: str = ""
    logged: bool = True


NEW = ContainerState(Status.CREATED)

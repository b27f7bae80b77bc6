"""The protocol of sandbox drivers.

In:  a ``SandboxSpec``, where output goes.
Out: the exit code of the process.

Concurrency: ``start`` may be called from any thread, many at a time; it never forks the builder
(helpers are spawned). A ``Running`` belongs to one thread, ``kill`` may come from any.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from jettison.sandbox.spec import SandboxSpec

MOUNT_ROOT = "mount the root file system"
"""The step of a set-up that fails where a snapshotter does not work, as errors tell it."""


class Streams(msgspec.Struct, frozen=True):
    """File descriptors that the process inherits; they stay open in the caller.

    With ``terminal`` in the spec all three are one end of a stream socket, over which the driver
    sends the master side of the container's terminal, with one byte.
    """

    stdin: int
    stdout: int
    stderr: int


class Opened(msgspec.Struct, frozen=True):
    """What was opened in watched directories.

    Args:
        directories: Those that were watched.
        files: Paths of what is no directory; whether it was there before is not known.
        listed: Directories among them that were themselves opened, as to read their names.
        is_whole: Whether nothing was missed.
    """

    directories: frozenset[str] = frozenset()
    files: frozenset[str] = frozenset()
    listed: frozenset[str] = frozenset()
    is_whole: bool = True


class Joined(Protocol):
    """Another process in a container; it ends with that."""

    def begin_program(self) -> bool:
        """See ``Running.begin``."""
        ...

    def wait(self) -> int:
        """Wait for the end; return the exit code.

        Raises:
            SandboxUnavailableError: it could not join the container.
        """
        ...

    def signal(self, number: int) -> None:
        """Send a signal to the process."""
        ...


class Running(Protocol):
    """A started process.

    ``lacked_pids`` says after ``wait`` whether a process could not be started since there were too
    many, ``out_of_memory`` whether one was killed since its limit of memory was used up; runc does
    not tell. ``opened`` is what was opened in ``watched`` directories, after ``wait``; None if
    there are none, or if they cannot be watched.
    """

    @property
    def opened(self) -> Opened | None:
        """See the class."""
        ...

    @property
    def lacked_pids(self) -> bool:
        """See the class."""
        ...

    @property
    def out_of_memory(self) -> bool:
        """See the class."""
        ...

    def begin(self) -> bool:
        """Wait until the program is executed, or has ended; tell which.

        The spec must be ``announced``. An OCI runtime does not say when it executes the program:
        there it is waited for no longer than until the runtime is started.
        """
        ...

    def execute(self, spec: SandboxSpec, streams: Streams) -> Joined:
        """Run another process in the container.

        Args:
            spec: The container's, with another process.
            streams: As for ``Sandbox.start``.

        Raises:
            SandboxUnavailableError: the driver cannot, or the container has ended.
        """
        ...

    def open_root(self) -> int:
        """Return a descriptor (``O_PATH``) of the root directory, with all that is mounted in it.

        Raises:
            SandboxUnavailableError: the driver cannot, or the container has ended.
        """
        ...

    def wait(self) -> int:
        """Wait for the end; return the exit code, 128 + signal number for a killed one.

        All processes of the container are gone and every mount is undone when it returns, and
        mount points that the driver created in ``root.upper`` are removed with the times of
        their parents restored.

        Raises:
            SandboxUnavailableError: the container could not be set up; says what failed.
        """
        ...

    def signal(self, number: int) -> None:
        """Send a signal to the process."""
        ...

    def kill(self) -> None:
        """End all processes of the container at once."""
        ...


class Sandbox(Protocol):
    """A driver.

    ``moves_directories``: contents of exclusive directories are moved into the container, so that
    two containers cannot have one at the same time.
    """

    name: str
    moves_directories: bool

    def start(self, spec: SandboxSpec, streams: Streams) -> Running:
        """Start the process of a spec.

        Raises:
            SandboxUnavailableError: it cannot be started on this host.
        """
        ...

    def warm(self) -> None:
        """Start in advance what the first container would wait for; may be called from a thread."""
        ...

    def close(self) -> None:
        """End all containers and helper processes of the driver."""
        ...


class Verdict(msgspec.Struct, frozen=True):
    """Whether a driver works here on a snapshotter: found by running a program in it."""

    driver: str
    works: bool
    reason: str = ""
    remedy: str = ""
    snapshotter: str = "overlay"

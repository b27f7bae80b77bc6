"""How a container gets its root file system where the kernel does not stack the layers itself.

In:  a spec whose root and mounts are stacks of layers.
Out: the same spec with directories in their place; afterwards the changes, in overlay form.

A *snapshotter*, as BuildKit's users call it, is one of ``overlay`` (the sandbox mounts the kernel's
overlayfs), ``fuse-overlayfs`` (a program does the same in user space) and ``copy`` (each container
gets a copy). What the sandbox does is the same for all, and so are the layers.

Source: docs/adr/0007-root-file-systems.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import msgspec

from jettison.fs.os_errors import storage_errors
from jettison.sandbox.base import Joined, Opened, Running, Sandbox, Streams
from jettison.sandbox.spec import BindMount, Mount, OverlayMount, RootKind, SandboxSpec

OVERLAY = "overlay"
FUSE = "fuse-overlayfs"
COPY = "copy"
SNAPSHOTTERS = (OVERLAY, FUSE, COPY)
"""In the order in which they are tried: the cheapest first."""


class PreparedRoot(Protocol):
    """Directories for one container; ``spec`` uses them."""

    spec: SandboxSpec

    def collect(self) -> None:
        """Put what the container changed into the upper directory, in overlay form.

        Raises:
            OSError: it cannot be read or written.
        """
        ...

    def remove(self) -> None:
        """Remove what was made for the container only."""
        ...


class Snapshotter(Protocol):
    """Makes directories of stacks of layers; thread-safe."""

    name: str

    def prepare(self, spec: SandboxSpec) -> PreparedRoot:
        """Return what a container with stacks of layers runs on.

        Raises:
            OSError: it cannot be made.
        """
        ...

    def close(self) -> None:
        """Remove what was kept for later containers."""
        ...


class RootedRunning:
    """A process on a root file system of a snapshotter."""

    def __init__(self, running: Running, root: PreparedRoot, upper: Path) -> None:
        self._running = running
        self._root = root
        self._upper = upper

    @property
    def lacked_pids(self) -> bool:
        """See ``Running``."""
        return self._running.lacked_pids

    @property
    def out_of_memory(self) -> bool:
        """See ``Running``."""
        return self._running.out_of_memory

    @property
    def opened(self) -> Opened | None:
        """See ``Running``."""
        return self._running.opened

    def begin(self) -> bool:
        """See ``Running.begin``."""
        return self._running.begin()

    def execute(self, spec: SandboxSpec, streams: Streams) -> Joined:
        """See ``Running.execute``."""
        return self._running.execute(spec, streams)

    def open_root(self) -> int:
        """See ``Running.open_root``."""
        return self._running.open_root()

    def wait(self) -> int:
        """See ``Running.wait``."""
        try:
            code = self._running.wait()
            with storage_errors(self._upper):
                self._root.collect()
            return code
        finally:
            self._root.remove()

    def signal(self, number: int) -> None:
        """See ``Running.signal``."""
        self._running.signal(number)

    def kill(self) -> None:
        """See ``Running.kill``."""
        self._running.kill()


class RootedSandbox:
    """A sandbox on root file systems of a snapshotter.

    Args:
        sandbox: Runs the processes.
        snapshotter: Makes their root file systems.
        reason: Why the kernel's overlayfs is not used; empty if that was asked for.
    """

    def __init__(self, sandbox: Sandbox, snapshotter: Snapshotter, reason: str = "") -> None:
        self.name = sandbox.name
        self.moves_directories = sandbox.moves_directories
        self.snapshotter = snapshotter.name
        self.reason = reason
        self._sandbox = sandbox
        self._snapshotter = snapshotter

    def warm(self) -> None:
        """See ``Sandbox.warm``."""
        self._sandbox.warm()

    def start(self, spec: SandboxSpec, streams: Streams) -> Running:
        """See ``Sandbox.start``."""
        if spec.root.kind is not RootKind.OVERLAY:
            return self._sandbox.start(spec, streams)
        upper = spec.root.upper
        with storage_errors(upper):
            root = self._snapshotter.prepare(spec)
        try:
            return RootedRunning(self._sandbox.start(root.spec, streams), root, upper)
        except BaseException:
            root.remove()
            raise

    def close(self) -> None:
        """See ``Sandbox.close``."""
        self._sandbox.close()
        self._snapshotter.close()


def working_directory(spec: SandboxSpec) -> Path:
    """Return where what is made for a container may be, on the file system of its layers."""
    return spec.root.work or spec.root.upper.parent / "work"


def stacks(spec: SandboxSpec) -> Iterator[tuple[int, OverlayMount]]:
    """Yield the mounts that overlay something, with their positions.

    A directory whose changes are discarded is a stack of one.
    """
    for index, mount in enumerate(spec.mounts):
        if isinstance(mount, OverlayMount):
            yield index, mount
        elif isinstance(mount, BindMount) and mount.copy_up and mount.source.is_dir():
            yield index, OverlayMount((mount.source,), "/", mount.target, mount.readonly)


def needs_no_merging(mount: OverlayMount) -> bool:
    """Tell whether a stack is one directory already that nobody writes to."""
    return mount.readonly and len(mount.lowers) == 1


def with_merged(spec: SandboxSpec, merged: dict[int, OverlayMount]) -> SandboxSpec:
    """Return a spec with other mounts at some positions."""
    mounts: list[Mount] = [merged.get(index, mount) for index, mount in enumerate(spec.mounts)]
    return msgspec.structs.replace(spec, mounts=tuple(mounts))

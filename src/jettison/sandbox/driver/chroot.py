"""The driver for containers that allow neither namespaces nor mounts: steps run in a chroot.

In:  ``SandboxSpec``, streams.
Out: ``Running`` processes; what they changed, in the upper directory in overlay form.

There is no isolation: a step sees the processes and the network of the surrounding container, and
has the rights of this process. What opens ``/proc`` gets the surrounding container's
(``init.notify.procfs``); calls that only look for a file see the few names that are made here.
There is no ``/sys``.

Source: docs/adr/0006-sandbox-levels.md.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path

from jettison.errors import SandboxUnavailableError
from jettison.fs.os_errors import storage_errors
from jettison.fs.ownership import Ownership
from jettison.fs.remove import remove_tree
from jettison.linux.apparmor import UNCONFINED
from jettison.linux.cgroup import Group
from jettison.linux.userns import container_remedy, may_chroot
from jettison.sandbox.base import Opened, Running, Streams
from jettison.sandbox.driver.chroot_files import make_devices, make_proc
from jettison.sandbox.driver.ids import check_ids
from jettison.sandbox.driver.single_id import adapt_to_one_user
from jettison.sandbox.driver.terminal import host_terminal
from jettison.sandbox.helper import encode
from jettison.sandbox.helper.client import Helper, RunningContainer
from jettison.sandbox.helper.limits import make_limits
from jettison.sandbox.rootfs.copied_root import CopiedRoot
from jettison.sandbox.rootfs.emulated_mounts import EmulatedMounts
from jettison.sandbox.spec import NetworkMode, RootKind, SandboxSpec


class ChrootRunning:
    """A process in a chroot.

    Args:
        start: Starts a process in the chroot.
        spec: The first one; ``streams`` are its.
        root: Its root file system.
        mounts: What is mounted in it, as far as that can be.
        group: Its control group.
    """

    def __init__(
        self,
        start: Callable[[SandboxSpec, Streams], RunningContainer],
        spec: SandboxSpec,
        streams: Streams,
        root: CopiedRoot,
        mounts: EmulatedMounts,
        group: Group,
    ) -> None:
        self._start = start
        self._container = container = start(spec, streams)
        self._joined: list[RunningContainer] = []
        self._root = root
        self._mounts = mounts
        self._group = group
        self.lacked_pids = False
        self.out_of_memory = False
        self.opened: Opened | None = None
        self._refused_before = container.refused_pids

    def begin(self) -> bool:
        """See ``Running.begin``."""
        return self._container.begin_program()

    def execute(self, spec: SandboxSpec, streams: Streams) -> RunningContainer:
        """See ``Running.execute``."""
        joined = self._start(spec, streams)
        self._joined.append(joined)
        return joined

    def open_root(self) -> int:
        """See ``Running.open_root``."""
        return os.open(self._root.tree, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)

    def wait(self) -> int:
        """See ``Running.wait``."""
        try:
            with storage_errors(self._root.tree):
                try:
                    code = self._container.wait()
                finally:
                    self._end_joined()
                    refused = self._container.refused_pids - self._refused_before
                    self.lacked_pids = (self._group.refused_pids or refused) > 0
                    self.out_of_memory = self._group.killed_for_memory > 0
                    self._group.remove()
                    self.opened = self._container.finish_watching()
                    self._mounts.undo()
                _collect(self._root, self._mounts)
            return code
        finally:
            remove_tree(self._root.tree.parent)

    def _end_joined(self) -> None:
        """End the processes that joined: there is no process namespace that would."""
        for joined in self._joined:
            joined.signal(signal.SIGKILL)
            with contextlib.suppress(SandboxUnavailableError):
                joined.wait()

    def signal(self, number: int) -> None:
        """See ``Running.signal``."""
        self._container.signal(number)

    def kill(self) -> None:
        """See ``Running.kill``."""
        self._container.signal(signal.SIGKILL)


class ChrootFiles:
    """A root file system in which nothing runs: see ``SandboxSpec.shows_root``.

    Args:
        root: It.
        mounts: What is mounted in it, as far as that can be.
        console: Socket that its directory goes over.
    """

    lacked_pids = out_of_memory = False
    opened: Opened | None = None

    def __init__(self, root: CopiedRoot, mounts: EmulatedMounts, console: int) -> None:
        self._root = root
        self._mounts = mounts
        shown = self.open_root()
        with socket.socket(fileno=os.dup(console)) as link:
            socket.send_fds(link, [b"."], [shown])
        os.close(shown)

    def begin(self) -> bool:
        """See ``Running.begin``: there is no program."""
        return False

    def execute(self, spec: SandboxSpec, streams: Streams) -> RunningContainer:
        """See ``Running.execute``."""
        raise SandboxUnavailableError("the container is not running")

    def open_root(self) -> int:
        """See ``Running.open_root``."""
        return os.open(self._root.tree, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)

    def signal(self, number: int) -> None:
        """See ``Running.signal``: nothing runs."""

    def kill(self) -> None:
        """See ``Running.kill``: nothing runs."""

    def wait(self) -> int:
        """See ``Running.wait``."""
        try:
            with storage_errors(self._root.tree):
                self._mounts.undo()
                _collect(self._root, self._mounts)
            return 0
        finally:
            remove_tree(self._root.tree.parent)


def _collect(root: CopiedRoot, mounts: EmulatedMounts) -> None:
    """Move what changed to the upper directory, once nothing runs and nothing is mounted.

    Raises:
        OSError: it cannot be read or written.
    """
    for path in mounts.restored:
        root.forget_changes_of(path)
    root.collect()


class ChrootSandbox:
    """The driver; one helper process serves all its chroots.

    Args:
        ownership: How owners are kept in layers.
    """

    name = "in-container"
    moves_directories = True

    def __init__(self, ownership: Ownership) -> None:
        self._ownership = ownership
        self._helper = Helper(own_pids=False)

    def warm(self) -> None:
        """Start the helper in advance."""
        self._helper.warm()

    def start(self, spec: SandboxSpec, streams: Streams) -> Running:
        """See ``Sandbox.start``; copies the root file system first."""
        _check(spec)
        single_id = self._ownership.is_recorded
        if single_id:
            spec = adapt_to_one_user(spec)
        place = (spec.root.work or spec.root.upper.parent) / "chroot"
        group = make_limits(spec)
        try:
            with storage_errors(place):
                root, mounts = _make_root(spec, self._ownership, place)
            if spec.shows_root:
                return ChrootFiles(root, mounts, streams.stdin)

            def start(process: SandboxSpec, given: Streams) -> RunningContainer:
                if single_id:
                    process = adapt_to_one_user(process)
                else:
                    check_ids(process)
                message = encode.chroot(
                    process, root.tree, mounts.memory_files, single_id=single_id, cgroup=group
                )
                with host_terminal(process, given) as theirs:
                    return self._helper.start(message, theirs, namespaces=0)

            return ChrootRunning(start, spec, streams, root, mounts, group)
        except BaseException:
            group.remove()
            remove_tree(place)
            raise

    def close(self) -> None:
        """End the helper and all processes."""
        self._helper.close()


def _check(spec: SandboxSpec) -> None:
    """Refuse what cannot be had without namespaces.

    Raises:
        SandboxUnavailableError: says what.
    """
    if not may_chroot():
        raise SandboxUnavailableError(
            "the sandbox `in-container` cannot run this: this process has no right to chroot"
            " (CAP_SYS_CHROOT)",
            hint=container_remedy(),
        )
    problem = ""
    if spec.network is NetworkMode.NONE:
        problem = "it cannot take the network away"
    elif spec.network is NetworkMode.OWN:
        problem = "it cannot give it a network of its own"
    elif spec.sysctls:
        problem = "it has no parameters of the kernel of its own"
    elif spec.devices:
        problem = "it cannot show devices"
    elif spec.root.kind is not RootKind.OVERLAY:
        problem = "it needs layers"
    elif spec.seccomp is not None:
        problem = "it filters system calls by no profile"
    elif spec.apparmor not in {None, UNCONFINED}:
        problem = "its processes keep the AppArmor profile of this container"
    if problem:
        raise SandboxUnavailableError(
            f"the sandbox `in-container` cannot run this: {problem}",
            hint="Leave it out, or let the container around make namespaces: "
            "`--security-opt seccomp=unconfined --security-opt apparmor=unconfined`.",
        )


def _make_root(
    spec: SandboxSpec, ownership: Ownership, place: Path
) -> tuple[CopiedRoot, EmulatedMounts]:
    place.mkdir(0o700)
    root = CopiedRoot(place / "tree", spec.root.lowers, spec.root.upper, ownership)
    root.remember()
    mounts = EmulatedMounts(root.tree, place / "aside", ownership)
    try:
        mounts.make_directory("/sys")
        make_proc(Path(mounts.make_directory("/proc")))
        make_devices(mounts.make_directory("/dev"))
        mounts.make_all((*spec.names, *spec.mounts))
    except BaseException:
        mounts.undo()
        raise
    return root, mounts

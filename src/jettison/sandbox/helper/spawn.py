"""Starts the helper: in namespaces and a control group that all of its containers are in.

In:  the descriptor of its socket.
Out: its process ID, soon, when it is kept from devices; its other control groups, later.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from functools import cached_property
from pathlib import Path

import jettison
from jettison.errors import HostError
from jettison.linux.cgroup import Group, Hierarchy, hierarchies, make_group
from jettison.linux.device_group import DeviceGroup, make_device_group, restrict_devices
from jettison.linux.namespace import NEWPID, unshare
from jettison.linux.resources import USUAL_PIDS, Resources
from jettison.linux.userns import in_user_namespace

_HELPER_DESCRIPTOR = 3
_BOOT = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from jettison.sandbox.init.boot import boot; boot()"
)


class Spawn(threading.Thread):
    """Starts the helper, then moves it into a control group, which takes the kernel long.

    Args:
        descriptor: Of the helper's socket.
        own_pids: See ``Helper``.
        limited: See ``Helper``.
    """

    def __init__(self, descriptor: int, *, own_pids: bool, limited: bool) -> None:
        super().__init__(name="spawn", daemon=True)
        self._descriptor = descriptor
        self._own_pids = own_pids
        self._limited = limited
        self._spawned = threading.Event()
        self._pid = 0
        self._error: OSError | None = None
        self.group = Group()
        self.devices: DeviceGroup | None = None
        self.start()

    def pid(self) -> int:
        """Return the helper's process ID.

        Raises:
            OSError: it cannot be started.
        """
        self._spawned.wait()
        if self._error is not None:
            raise self._error
        return self._pid

    def run(self) -> None:
        """Do it; the process namespace is for children of this thread only."""
        if self._own_pids:
            with contextlib.suppress(OSError):  # no container can be made then, and clone says so
                unshare(NEWPID)
        try:
            self._pid = _spawn(self._descriptor)
        except OSError as error:
            self._error = error
        else:
            self._restrict_devices()  # before a container can be born outside
        finally:
            self._spawned.set()
        if self._limited and self._pid:
            self._limit()

    def remove(self) -> None:
        """Remove the control groups; the helper and its containers have ended."""
        self.group.remove()
        if self.devices is not None:
            self.devices.remove()

    def _restrict_devices(self) -> None:
        if in_user_namespace():
            return  # whose root may make no devices
        name = f"jettison-devices-{os.getpid()}-{self._pid}"
        group = make_device_group(name, found=self._hierarchies)
        if isinstance(group, str):
            return  # mounts are without devices all the same; `doctor` tells
        try:
            group.add(self._pid)
        except OSError:
            group.remove()
        else:
            self.devices = group

    @cached_property
    def _hierarchies(self) -> list[Hierarchy]:
        """Those that are mounted: to read them takes a millisecond."""
        return hierarchies()

    def _limit(self) -> None:
        name = f"jettison-helper-{os.getpid()}-{self._pid}"
        try:
            self.group = make_group(name, Resources(pids=USUAL_PIDS), self._hierarchies)
            for directory in self.group.directories:
                # A process is in one group of version 2, so that it leaves the other.
                if self.devices and (directory / "cgroup.controllers").exists():
                    restrict_devices(directory, unified=True)
            self.group.move(self._pid)
        except (HostError, OSError):  # `doctor` says why
            self.group.remove()
            self.group = Group()


def _spawn(descriptor: int) -> int:
    """Start the helper in a session of its own, with one descriptor more than 0, 1, 2."""
    package = str(Path(jettison.__file__).resolve().parent.parent)
    program = getattr(sys, "_base_executable", "") or sys.executable
    argv = [program, "-I", "-S", "-c", _BOOT, package, str(_HELPER_DESCRIPTOR)]
    null = os.open(os.devnull, os.O_RDWR)
    try:
        return os.posix_spawn(
            program,
            argv,
            {"LC_ALL": "C.UTF-8"},
            file_actions=[
                (os.POSIX_SPAWN_DUP2, null, 0),
                (os.POSIX_SPAWN_DUP2, null, 1),
                (os.POSIX_SPAWN_DUP2, descriptor, _HELPER_DESCRIPTOR),
            ],
            setsid=True,
            setsigmask=[],
            setsigdef=[signal.SIGPIPE, signal.SIGINT, signal.SIGTERM, signal.SIGHUP],
        )
    finally:
        os.close(null)

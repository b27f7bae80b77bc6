"""The control group of a container, and the devices that it may use.

In:  ``SandboxSpec``.
Out: a ``Group`` that process 1 joins, made and limited; numbers of devices.
"""

from __future__ import annotations

import contextlib
import os
import stat

from jettison.linux.cgroup import Group, make_group
from jettison.linux.device_group import make_device_group, restrict_devices
from jettison.sandbox.spec import SandboxSpec

_NAME_BYTES = 8


def make_limits(spec: SandboxSpec) -> Group:
    """Make the control group of a container; empty without limits.

    Raises:
        HostError: this host or user cannot.
    """
    name = f"jettison-{os.getpid()}-{os.urandom(_NAME_BYTES).hex()}"
    group = make_group(name, spec.limits)
    if spec.privileged:
        return group
    numbers = numbers_of(spec)
    unified = False
    for directory in group.directories:
        # A process is in one group of version 2, so that it leaves that of the helper.
        if (directory / "cgroup.controllers").exists():
            unified = True
            with contextlib.suppress(OSError):
                restrict_devices(directory, numbers, unified=True)
    if numbers and not unified:
        made = make_device_group(f"{name}-given", numbers)
        if not isinstance(made, str):
            return Group((*group.directories, made.directory))
    return group


def numbers_of(spec: SandboxSpec) -> list[tuple[str, int, int]]:
    """Return the devices that a container is given: `b` or `c`, major and minor number."""
    found = [os.stat(node.source) for node in spec.devices]
    return [
        (
            "b" if stat.S_ISBLK(each.st_mode) else "c",
            os.major(each.st_rdev),
            os.minor(each.st_rdev),
        )
        for each in found
    ]

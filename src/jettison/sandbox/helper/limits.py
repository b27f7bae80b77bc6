"""The control group of a container, and the devices that it may use.

In:  ``SandboxSpec``.
Out: a ``Group`` that process 1 joins, made and limited; numbers of devices.
"""

from __future__ import annotations

import os
import stat

from jettison.errors import HostError
from jettison.linux.cgroup import Group, make_group
from jettison.linux.device_group import Number, make_device_group, restrict_devices
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
    problem = ""
    for directory in group.directories:
        # A process is in one group of version 2, so that it leaves that of the helper.
        if (directory / "cgroup.controllers").exists():
            unified = True
            try:
                restrict_devices(directory, numbers, unified=True)
            except OSError as error:
                problem = (error.strerror or str(error)).lower()
    if numbers and not unified:
        made = make_device_group(f"{name}-given", numbers)
        if not isinstance(made, str):
            return Group((*group.directories, made.directory))
        problem = made
    if problem:
        _require_all_access(spec, problem, group)
    return group


def _require_all_access(spec: SandboxSpec, problem: str, group: Group) -> None:
    """See that no device is given with less access than its file has, where nothing limits that.

    Raises:
        HostError: one is; the group is gone then.
    """
    for node in spec.devices:
        if node.access != "rwm":
            group.remove()
            raise HostError(
                f"cannot give `{node.source}` for `{node.access}` only: "
                f"there is no control group of devices: {problem}",
                hint="leave the access out, or run as root",
            )


def numbers_of(spec: SandboxSpec) -> list[Number]:
    """Return the devices that a container is given."""
    found = [(os.stat(node.source), node.access) for node in spec.devices]
    return [
        (
            "b" if stat.S_ISBLK(each.st_mode) else "c",
            os.major(each.st_rdev),
            os.minor(each.st_rdev),
            access,
        )
        for each, access in found
    ]

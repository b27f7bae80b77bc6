"""A spec as plain values that ``marshal`` can carry to the helper.

In:  ``SandboxSpec``.
Out: bytes of a marshalled dict of ints, bytes, tuples and lists; texts are file system encoded.
"""

from __future__ import annotations

import contextlib
import enum
import itertools
import marshal
import os
import stat
from pathlib import Path

from jettison.errors import UsageError
from jettison.linux.apparmor import profile_here
from jettison.linux.cgroup import Group, make_group
from jettison.linux.device_group import make_device_group, restrict_devices, unrestricted
from jettison.linux.landlock import abi, can_scope
from jettison.linux.process import CAPABILITIES, capability_mask
from jettison.linux.rlimits import limit_number
from jettison.linux.seccomp import open_program, program, supported
from jettison.linux.socket_filter import socket_program
from jettison.sandbox.spec import (
    BindMount,
    FileMount,
    Fuse,
    Mount,
    NetworkMode,
    OverlayMount,
    Root,
    RootKind,
    SandboxSpec,
    TmpfsMount,
)

_numbers = itertools.count(1)
_GIVES_DESCRIPTORS = (5, 9)
_ALL = (1 << len(CAPABILITIES)) - 1


def encode(
    spec: SandboxSpec,
    *,
    driver: str,
    userns: bool,
    cgroup: Group,
    landlock_abi: int | None = None,
    **more: object,
) -> bytes:
    """Return the message for the helper.

    Args:
        spec: What to run.
        driver: ``embedded``, ``single-id``, ``oci``, ``chroot`` or ``chroot-single-id``.
        userns: The builder is in a user namespace.
        cgroup: What process 1 joins.
        landlock_abi: Version of Landlock, by default this kernel's.
        more: Values that only the helper's driver knows.

    Raises:
        UsageError: an unknown capability or resource limit.
    """
    single_id = driver in {"single-id", "chroot-single-id"}
    mask = _ALL if spec.privileged else capabilities(spec.granted)
    guard = network_guard(landlock_abi) if spec.is_guarded else NetworkGuard.NONE
    root = spec.root
    values = {
        "driver": "embedded" if driver == "single-id" else driver,
        "userns": userns,
        "root": (
            root.kind.value,
            os.fsencode(root.upper),
            _path(root.work),
            [os.fsencode(lower) for lower in root.lowers],
            _merged(root),
        ),
        "fuse": _fuse(spec.fuse),
        "argv": [os.fsencode(word) for word in spec.argv],
        "env": [os.fsencode(entry) for entry in spec.env],
        "cwd": os.fsencode(spec.cwd),
        "uid": spec.uid,
        "gid": spec.gid,
        "groups": list(spec.groups),
        "mounts": [_mount(each, single_id=single_id) for each in (*spec.names, *spec.mounts)],
        "hostname": os.fsencode(spec.hostname),
        "network_none": spec.network is NetworkMode.NONE,
        "network": os.fsencode(spec.network_path),
        "scoped": guard is NetworkGuard.SCOPE,
        "capabilities": mask,
        "seccomp": _filter(spec, mask, single_id=single_id),
        "notify": _notify_filter(spec, mask, driver, sockets=guard is NetworkGuard.SOCKETS),
        "privileged": spec.privileged,
        "apparmor": os.fsencode(profile_here(spec.apparmor_wanted, rootless=userns)),
        "masked": [os.fsencode(path) for path in spec.masked_paths],
        "readonly": [os.fsencode(path) for path in spec.readonly_paths],
        "readonly_root": spec.readonly_root,
        "terminal": spec.terminal,
        "terminal_size": spec.terminal_size,
        "init": spec.init,
        "rlimits": [(limit_number(name), soft, hard) for name, soft, hard in spec.limits.ulimits],
        "devices": [(os.fsencode(e.target), os.fsencode(e.source)) for e in spec.devices],
        "shm_bytes": spec.limits.shm_bytes,
        "own_shm": spec.has_own_shm,
        "cgroups": [*(unrestricted() if spec.privileged and not userns else []), *cgroup.joins],
    }
    return marshal.dumps(values | more)


class NetworkGuard(enum.Enum):
    """How steps are kept from abstract sockets of a network that they share."""

    SCOPE = "a Landlock scope"
    SOCKETS = "sockets made in a namespace of their own"
    NONE = "nothing"


def network_guard(landlock_abi: int | None = None) -> NetworkGuard:
    """Return what this kernel can do.

    Args:
        landlock_abi: Version of Landlock, by default this kernel's.
    """
    if can_scope(abi() if landlock_abi is None else landlock_abi):
        return NetworkGuard.SCOPE
    from jettison.linux.host import kernel_version  # noqa: PLC0415 - for old kernels

    answers = supported() and kernel_version() >= _GIVES_DESCRIPTORS
    return NetworkGuard.SOCKETS if answers else NetworkGuard.NONE


def make_limits(spec: SandboxSpec) -> Group:
    """Make the control group of a container; empty without limits.

    Raises:
        HostError: this host or user cannot.
    """
    name = f"jettison-{os.getpid()}-{next(_numbers)}"
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
    facts = [os.stat(node.source) for node in spec.devices]
    return [
        (
            "b" if stat.S_ISBLK(each.st_mode) else "c",
            os.major(each.st_rdev),
            os.minor(each.st_rdev),
        )
        for each in facts
    ]


def capabilities(names: tuple[str, ...]) -> int:
    """Return the mask of capability names.

    Raises:
        UsageError: a name is unknown.
    """
    for name in names:
        if name not in CAPABILITIES:
            raise UsageError(f"unknown capability `{name}`", hint="See capabilities(7).")
    return capability_mask(names)


def _filter(spec: SandboxSpec, mask: int, *, single_id: bool) -> bytes:
    if spec.privileged and not single_id:
        return b""
    return _program(mask, single_id=single_id)


def has_vsock() -> bool:
    """Tell whether this host has sockets to hypervisors and virtual machines."""
    return os.path.exists("/dev/vsock")


def _program(mask: int, **more: bool) -> bytes:
    return program(mask, vsock=has_vsock(), **more)


def _notify_filter(spec: SandboxSpec, mask: int, driver: str, *, sockets: bool) -> bytes:
    """Return the filter with a listener: for sockets, for owners, for what chroots open."""
    match driver:
        case "single-id" if sockets or not spec.uid:
            return _program(mask, single_id=True, notify_chown=not spec.uid, notify_socket=sockets)
        case "embedded" if sockets:
            return _program(mask, notify_socket=True)
        case "oci" if sockets:
            return socket_program()
        case "chroot-single-id":
            return _program(mask, single_id=True, notify_chown=not spec.uid, notify_open=True)
        case "chroot":
            return open_program()
        case _:
            return b""


def _path(path: Path | None) -> bytes:
    return os.fsencode(path) if path else b""


def _merged(root: Root) -> bytes:
    return _path(root.upper if root.kind is RootKind.DIRECTORY else root.merged)


def _fuse(fuse: Fuse | None) -> tuple[object, ...] | None:
    """Return the program and (merged, upper, work, lowers) of each of its mounts."""
    if fuse is None:
        return None
    mounts = [
        (
            _path(mount.merged),
            _path(mount.upper),
            _path(mount.work),
            [os.fsencode(lower) for lower in mount.lowers],
        )
        for mount in fuse.mounts
    ]
    return (os.fsencode(fuse.program), mounts)


def _mount(mount: Mount, *, single_id: bool) -> tuple[object, ...]:
    target = os.fsencode(mount.target)
    match mount:
        case BindMount():
            return ("bind", target, os.fsencode(mount.source), mount.readonly, mount.copy_up)
        case OverlayMount():
            lowers = [os.fsencode(lower) for lower in mount.lowers]
            selector, merged = os.fsencode(mount.selector), _path(mount.merged)
            return ("overlay", target, lowers, selector, mount.readonly, merged)
        case TmpfsMount():
            return ("tmpfs", target, mount.size_bytes, mount.mode)
        case FileMount():
            owner = (0, 0) if single_id else (mount.uid, mount.gid)
            return ("file", target, mount.content, mount.mode, *owner, mount.readonly)

"""What a container may do: its capabilities, and the filters of its system calls.

In:  ``SandboxSpec``, the level it runs at, what this kernel can do.
Out: masks of capabilities; ``wire.Filters`` with BPF programs.
"""

from __future__ import annotations

import enum
import os
from typing import TYPE_CHECKING

from jettison.errors import UsageError
from jettison.linux.landlock import abi, can_scope
from jettison.linux.process import CAPABILITIES, capability_mask
from jettison.linux.seccomp import open_program, program, supported
from jettison.linux.socket_filter import socket_program
from jettison.sandbox.spec import SandboxSpec
from jettison.sandbox.wire import Filters

if TYPE_CHECKING:
    from jettison.linux.seccomp_profile import SeccompProfile

_ADDS_DESCRIPTORS = (5, 9)
_ALL = (1 << len(CAPABILITIES)) - 1


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
    from jettison.linux.host import kernel_version

    answers = supported() and kernel_version() >= _ADDS_DESCRIPTORS
    return NetworkGuard.SOCKETS if answers else NetworkGuard.NONE


def granted(spec: SandboxSpec) -> int:
    """Return the mask of what a container may do.

    Raises:
        UsageError: a capability is unknown.
    """
    return _ALL if spec.privileged else capabilities(spec.granted)


def capabilities(names: tuple[str, ...]) -> int:
    """Return the mask of capability names.

    Raises:
        UsageError: a name is unknown.
    """
    for name in names:
        if name not in CAPABILITIES:
            raise UsageError(f"unknown capability `{name}`", hint="See capabilities(7).")
    return capability_mask(names)


def has_vsock() -> bool:
    """Tell whether this host has sockets to hypervisors and virtual machines."""
    return os.path.exists("/dev/vsock")


def container_filters(
    spec: SandboxSpec, *, single_id: bool, landlock_abi: int | None = None
) -> Filters:
    """Return the filters of a container of our own.

    Args:
        spec: What runs in it.
        single_id: There is one user.
        landlock_abi: Version of Landlock, by default this kernel's.
    """
    guard = _guard(spec, landlock_abi)
    sockets = guard is NetworkGuard.SOCKETS
    mask = granted(spec)
    refuse = notify = b""
    profile = spec.seccomp
    if profile is None and spec.unfiltered:
        from jettison.linux.seccomp_profile import UNCONFINED

        profile = UNCONFINED
    if single_id or spec.seccomp or not (spec.privileged or spec.unfiltered):
        refuse = _program(mask, single_id=single_id, profile=profile)
    chowns = single_id and not spec.uid
    if sockets or chowns:
        notify = _program(
            mask,
            single_id=single_id,
            notify_chown=chowns,
            notify_socket=sockets,
            profile=profile,
        )
    return Filters(refuse=refuse, notify=notify, scoped=guard is NetworkGuard.SCOPE)


def runtime_filters(spec: SandboxSpec, *, landlock_abi: int | None = None) -> Filters:
    """Return the filters of a container of an OCI runtime, which filters by its config itself."""
    guard = _guard(spec, landlock_abi)
    notify = socket_program() if guard is NetworkGuard.SOCKETS else b""
    return Filters(refuse=b"", notify=notify, scoped=guard is NetworkGuard.SCOPE)


def chroot_filters(spec: SandboxSpec, *, single_id: bool) -> Filters:
    """Return the filters of a chroot: what it opens in ``/proc`` is for a listener.

    Args:
        spec: What runs in it.
        single_id: There is one user.

    Raises:
        UsageError: a capability is unknown.
    """
    mask = granted(spec)
    if not single_id:
        return Filters(refuse=b"", notify=open_program(), scoped=False)
    notify = _program(mask, single_id=True, notify_chown=not spec.uid, notify_open=True)
    return Filters(refuse=_program(mask, single_id=True), notify=notify, scoped=False)


def _guard(spec: SandboxSpec, landlock_abi: int | None) -> NetworkGuard:
    return network_guard(landlock_abi) if spec.is_guarded else NetworkGuard.NONE


def _program(mask: int, *, profile: SeccompProfile | None = None, **more: bool) -> bytes:
    return program(mask, vsock=has_vsock(), profile=profile, **more)

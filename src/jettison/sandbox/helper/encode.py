"""What the helper is to run: a spec as messages of the wire format.

In:  ``SandboxSpec``, what the driver adds.
Out: ``wire.Container``, ``wire.Runtime`` or ``wire.Chroot``; texts are file system encoded.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from jettison.linux.apparmor import profile_here
from jettison.linux.cgroup import Group
from jettison.linux.device_group import unrestricted
from jettison.linux.rlimits import limit_number
from jettison.sandbox import wire
from jettison.sandbox.helper.filters import (
    chroot_filters,
    container_filters,
    granted,
    runtime_filters,
)
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


def container(
    spec: SandboxSpec,
    *,
    single_id: bool,
    userns: bool,
    cgroup: Group,
    landlock_abi: int | None = None,
) -> wire.Container:
    """Return the message for a container of our own.

    Args:
        spec: What to run.
        single_id: There is one user.
        userns: The builder is in a user namespace.
        cgroup: What process 1 joins.
        landlock_abi: Version of Landlock, by default this kernel's.

    Raises:
        UsageError: an unknown capability or resource limit.
    """
    devices = [
        wire.Device(target=os.fsencode(each.target), source=os.fsencode(each.source))
        for each in spec.devices
    ]
    return wire.Container(
        root=_root(spec.root),
        fuse=_fuse(spec.fuse),
        attachments=_attachments(spec, cgroup, userns=userns),
        process=_process(spec),
        filters=container_filters(spec, single_id=single_id, landlock_abi=landlock_abi),
        mounts=[_mount(each, single_id=single_id) for each in (*spec.names, *spec.mounts)],
        devices=devices,
        sysctls=[
            wire.Sysctl(path=os.fsencode(name.replace(".", "/")), value=os.fsencode(value))
            for name, value in spec.sysctls
        ],
        hostname=os.fsencode(spec.hostname),
        loopback=spec.network is NetworkMode.NONE,
        userns=userns,
        capabilities=granted(spec),
        privileged=spec.privileged,
        apparmor=os.fsencode(profile_here(spec.apparmor_wanted, rootless=userns)),
        masked=[os.fsencode(path) for path in spec.masked_paths],
        readonly=[os.fsencode(path) for path in spec.readonly_paths],
        readonly_root=spec.readonly_root,
        shm_bytes=None if spec.has_own_shm else spec.limits.shm_bytes,
        shows_root=spec.shows_root,
    )


def join(
    spec: SandboxSpec,
    *,
    single_id: bool,
    userns: bool,
    cgroup: Group,
    landlock_abi: int | None = None,
    inside: wire.Inside | None = None,
) -> wire.Join:
    """Return the message for another process in a container.

    Args:
        spec: The container's, with another process.
        single_id: There is one user.
        userns: The builder is in a user namespace.
        cgroup: What the container is in.
        landlock_abi: Version of Landlock, by default this kernel's.
        inside: Where an OCI runtime has made it.
    """
    return wire.Join(
        inside=inside,
        attachments=_attachments(spec, cgroup, userns=userns),
        process=_process(spec),
        filters=container_filters(spec, single_id=single_id, landlock_abi=landlock_abi),
        capabilities=granted(spec),
        apparmor=os.fsencode(profile_here(spec.apparmor_wanted, rootless=userns)),
        network=not spec.shares_network,
    )


def runtime(
    spec: SandboxSpec,
    bundle: wire.Bundle,
    *,
    userns: bool,
    cgroup: Group,
    landlock_abi: int | None = None,
) -> wire.Runtime:
    """Return the message for a container of an OCI runtime.

    Args:
        spec: What to run.
        bundle: What the runtime runs.
        userns: The builder is in a user namespace.
        cgroup: What process 1 joins.
        landlock_abi: Version of Landlock, by default this kernel's.
    """
    return wire.Runtime(
        root=_root(spec.root),
        fuse=_fuse(spec.fuse),
        attachments=_attachments(spec, cgroup, userns=userns),
        filters=runtime_filters(spec, landlock_abi=landlock_abi),
        userns=userns,
        privileged=spec.privileged,
        readonly_root=spec.readonly_root,
        bundle=bundle,
    )


def chroot(
    spec: SandboxSpec,
    tree: Path,
    memory_files: Sequence[tuple[bytes, bytes]],
    *,
    single_id: bool,
    cgroup: Group,
) -> wire.Chroot:
    """Return the message for a process in a chroot.

    Args:
        spec: What to run.
        tree: Its root.
        memory_files: Paths of files on the host that have no content, and their contents.
        single_id: There is one user.
        cgroup: What the process joins.

    Raises:
        UsageError: an unknown capability or resource limit.
    """
    return wire.Chroot(
        tree=os.fsencode(tree),
        memory_files=[wire.MemoryFile(path=path, content=data) for path, data in memory_files],
        attachments=_attachments(spec, cgroup, userns=False),
        process=_process(spec),
        filters=chroot_filters(spec, single_id=single_id),
        single_id=single_id,
    )


def _attachments(spec: SandboxSpec, cgroup: Group, *, userns: bool) -> wire.Attachments:
    terminal = None
    if spec.terminal:
        rows, columns = spec.terminal_size
        terminal = wire.Terminal(rows=rows, columns=columns)
    devices = unrestricted() if spec.privileged and not userns else []
    return wire.Attachments(
        cgroups=[*devices, *cgroup.joins],
        network=os.fsencode(spec.network_path),
        terminal=terminal,
        watched=[os.fsencode(path) for path in spec.watched],
    )


def _process(spec: SandboxSpec) -> wire.Process:
    limits = [
        wire.ResourceLimit(resource=limit_number(name), soft=soft, hard=hard)
        for name, soft, hard in spec.limits.ulimits
    ]
    return wire.Process(
        argv=[os.fsencode(word) for word in spec.argv],
        env=[os.fsencode(entry) for entry in spec.env],
        cwd=os.fsencode(spec.cwd),
        uid=spec.uid,
        gid=spec.gid,
        groups=list(spec.groups),
        limits=limits,
        init=spec.init,
        announced=spec.announced,
        no_new_privileges=spec.no_new_privileges,
    )


def _path(path: Path | None) -> bytes:
    return os.fsencode(path) if path else b""


def _paths(paths: Sequence[Path]) -> list[bytes]:
    return [os.fsencode(path) for path in paths]


def _root(root: Root) -> wire.Root:
    return wire.Root(
        upper=os.fsencode(root.upper),
        work=_path(root.work),
        lowers=_paths(root.lowers),
        merged=_path(root.upper if root.kind is RootKind.DIRECTORY else root.merged),
    )


def _fuse(fuse: Fuse | None) -> wire.Fuse | None:
    if fuse is None:
        return None
    mounts = [
        wire.FuseMount(
            merged=_path(mount.merged),
            upper=_path(mount.upper),
            work=_path(mount.work),
            lowers=_paths(mount.lowers),
        )
        for mount in fuse.mounts
    ]
    return wire.Fuse(program=os.fsencode(fuse.program), mounts=mounts)


def _mount(mount: Mount, *, single_id: bool) -> wire.Mount:
    target = os.fsencode(mount.target)
    match mount:
        case BindMount():
            return wire.BindMount(
                target=target,
                source=os.fsencode(mount.source),
                readonly=mount.readonly,
                copy_up=mount.copy_up,
            )
        case OverlayMount():
            return wire.OverlayMount(
                target=target,
                lowers=_paths(mount.lowers),
                selector=os.fsencode(mount.selector),
                readonly=mount.readonly,
                merged=_path(mount.merged),
            )
        case TmpfsMount():
            return wire.TmpfsMount(target=target, size_bytes=mount.size_bytes, mode=mount.mode)
        case FileMount():
            return wire.FileMount(
                target=target,
                content=mount.content,
                mode=mount.mode,
                uid=0 if single_id else mount.uid,
                gid=0 if single_id else mount.gid,
                readonly=mount.readonly,
            )

"""The file systems of the kernel in a container: ``/proc``, ``/sys`` and the control groups in it.

In:  the mount points below the root.
Out: they are mounted.

Source: OCI runtime-spec 1.1, config-linux.md "Default Filesystems".
"""

from __future__ import annotations

import errno
import os

from jettison.linux.mount import (
    MS_BIND,
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    MS_RDONLY,
    MS_REC,
    bind,
    make_readonly,
    mount,
)
from jettison.sandbox.init.mount.points import MountPoints, at

_PLAIN = MS_NOSUID | MS_NODEV | MS_NOEXEC


def mount_proc(points: MountPoints) -> None:
    """Mount ``/proc`` of the new process namespace."""
    point = points.make_plain(b"proc")
    mount(b"proc", at(point), b"proc", _PLAIN)
    os.close(point)


def mount_sys(points: MountPoints, *, readonly: bool) -> None:
    """Mount ``/sys`` and the control groups in it.

    A user namespace without a network namespace of its own may not mount sysfs: the host's is
    shown then.
    """
    flags = _PLAIN | (MS_RDONLY if readonly else 0)
    point = points.make_plain(b"sys")
    try:
        mount(b"sysfs", at(point), b"sysfs", flags)
    except OSError as error:
        if error.errno not in {errno.EPERM, errno.EBUSY}:
            raise
        bind(b"/sys", at(point))
        os.close(point)
        point = points.find(b"sys")
        if readonly:
            make_readonly(at(point))
        os.close(point)
        return
    os.close(point)
    _mount_cgroups(points, flags, readonly=readonly)


def _mount_cgroups(points: MountPoints, flags: int, *, readonly: bool) -> None:
    try:
        point = points.find(b"sys/fs/cgroup")
    except OSError:
        return  # a kernel without control groups
    try:
        if os.path.exists(b"/sys/fs/cgroup/cgroup.controllers"):
            mount(b"cgroup2", at(point), b"cgroup2", flags)
            return
        mount(b"/sys/fs/cgroup", at(point), b"", MS_BIND | MS_REC)
        os.close(point)
        point = points.find(b"sys/fs/cgroup")
        if readonly:
            make_readonly(at(point))
    except OSError as error:
        if error.errno not in {errno.EPERM, errno.EBUSY, errno.EINVAL, errno.ENOENT}:
            raise
    finally:
        os.close(point)

"""``/dev`` of a container, and the other file systems of the kernel.

In:  the mount points below the root.
Out: mounted ``/proc``, ``/dev``, ``/sys`` and what belongs inside them.

Source: OCI runtime-spec 1.1, config-linux.md "Default Filesystems" and "Default Devices".
"""

from __future__ import annotations

import errno
import os
import stat

from jettison.linux.mount import (
    MS_BIND,
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    MS_RDONLY,
    MS_REC,
    MS_STRICTATIME,
    bind,
    make_readonly,
    mount,
)
from jettison.sandbox.init.targets import Targets

_PLAIN = MS_NOSUID | MS_NODEV | MS_NOEXEC
_DEVICES = (
    (b"null", 1, 3),
    (b"zero", 1, 5),
    (b"full", 1, 7),
    (b"random", 1, 8),
    (b"urandom", 1, 9),
    (b"tty", 5, 0),
)
_LINKS = (
    (b"ptmx", b"pts/ptmx"),
    (b"fd", b"/proc/self/fd"),
    (b"stdin", b"/proc/self/fd/0"),
    (b"stdout", b"/proc/self/fd/1"),
    (b"stderr", b"/proc/self/fd/2"),
    (b"core", b"/proc/kcore"),
)
_TTY_GROUP = 5


def at(descriptor: int, name: bytes = b"") -> bytes:
    """Return a path that names what a descriptor is open on."""
    path = b"/proc/self/fd/%d" % descriptor
    return path + b"/" + name if name else path


def mount_proc(targets: Targets) -> None:
    """Mount ``/proc`` of the new process namespace."""
    point = targets.make_plain(b"proc")
    mount(b"proc", at(point), b"proc", _PLAIN)
    os.close(point)


def mount_dev(targets: Targets, shm_bytes: int | None, *, every_device: bool) -> None:
    """Mount ``/dev`` with the devices and links that every container has.

    Args:
        targets: Mount points.
        shm_bytes: Size of ``/dev/shm``; None leaves it to a mount of the spec.
        every_device: Show the host's devices (privileged).
    """
    point = targets.make_plain(b"dev")
    flags = MS_NOSUID | MS_STRICTATIME
    mount(b"tmpfs", at(point), b"tmpfs", flags, b"mode=755,size=65536k")
    os.close(point)
    dev = targets.find(b"dev")
    try:
        for name, major, minor in _DEVICES:
            _device(dev, name, major, minor)
        for name, target in _LINKS:
            os.symlink(target, name, dir_fd=dev)
        for name in (b"pts", b"shm", b"mqueue"):
            os.mkdir(name, 0o755, dir_fd=dev)
        _mount_pts(at(dev, b"pts"))
        if shm_bytes is not None:
            size = b",size=%d" % shm_bytes if shm_bytes else b""
            mount(b"shm", at(dev, b"shm"), b"tmpfs", _PLAIN, b"mode=1777" + size)
        _mount_mqueue(at(dev, b"mqueue"))
        if every_device:
            _show_host_devices(dev)
    finally:
        os.close(dev)


def _mount_pts(target: bytes) -> None:
    options = b"newinstance,ptmxmode=0666,mode=0620"
    try:
        mount(
            b"devpts", target, b"devpts", MS_NOSUID | MS_NOEXEC, options + b",gid=%d" % _TTY_GROUP
        )
    except OSError as error:
        if error.errno != errno.EINVAL:  # the group is not mapped in this user namespace
            raise
        mount(b"devpts", target, b"devpts", MS_NOSUID | MS_NOEXEC, options)


def _mount_mqueue(target: bytes) -> None:
    try:
        mount(b"mqueue", target, b"mqueue", _PLAIN)
    except OSError as error:
        if error.errno != errno.ENODEV:  # a kernel without message queues
            raise


def _device(dev: int, name: bytes, major: int, minor: int) -> None:
    """Make a device node, or show the host's where making one is not allowed."""
    try:
        os.mknod(name, 0o666 | stat.S_IFCHR, os.makedev(major, minor), dir_fd=dev)
    except PermissionError:
        _touch(dev, name, 0o666)
        bind(b"/dev/" + name, at(dev, name), recursive=False)
    else:
        os.chmod(at(dev, name), 0o666)  # noqa: S103 - /dev/null is for all


def _touch(dev: int, name: bytes, mode: int) -> None:
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC
    os.close(os.open(name, flags, mode, dir_fd=dev))


def _show_host_devices(dev: int) -> None:
    """Bind every device node of the host that the container lacks."""
    skip = {b"pts", b"shm", b"mqueue", b"console", b"fd"}
    for top, directories, names in os.walk(b"/dev"):
        directories[:] = [name for name in directories if name not in skip]
        inside = os.path.relpath(top, b"/dev")
        for name in names:
            path = os.path.join(top, name)
            if name in skip or stat.S_IFMT(os.lstat(path).st_mode) not in {
                stat.S_IFCHR,
                stat.S_IFBLK,
            }:
                continue
            shown = os.path.normpath(os.path.join(inside, name))
            try:
                os.makedirs(at(dev, os.path.dirname(shown)), exist_ok=True)
                _touch(dev, shown, 0o600)
                bind(path, at(dev, shown), recursive=False)
            except OSError:
                continue  # there already, or not for this user


def mount_sys(targets: Targets, *, readonly: bool) -> None:
    """Mount ``/sys`` and the control groups in it.

    A user namespace without a network namespace of its own may not mount sysfs: the host's is
    shown then.
    """
    flags = _PLAIN | (MS_RDONLY if readonly else 0)
    point = targets.make_plain(b"sys")
    try:
        mount(b"sysfs", at(point), b"sysfs", flags)
    except OSError as error:
        if error.errno not in {errno.EPERM, errno.EBUSY}:
            raise
        bind(b"/sys", at(point))
        os.close(point)
        point = targets.find(b"sys")
        if readonly:
            make_readonly(at(point))
        os.close(point)
        return
    os.close(point)
    _mount_cgroups(targets, flags, readonly=readonly)


def _mount_cgroups(targets: Targets, flags: int, *, readonly: bool) -> None:
    try:
        point = targets.find(b"sys/fs/cgroup")
    except OSError:
        return  # a kernel without control groups
    try:
        if os.path.exists(b"/sys/fs/cgroup/cgroup.controllers"):
            mount(b"cgroup2", at(point), b"cgroup2", flags)
            return
        mount(b"/sys/fs/cgroup", at(point), b"", MS_BIND | MS_REC)
        os.close(point)
        point = targets.find(b"sys/fs/cgroup")
        if readonly:
            make_readonly(at(point))
    except OSError as error:
        if error.errno not in {errno.EPERM, errno.EBUSY, errno.EINVAL, errno.ENOENT}:
            raise
    finally:
        os.close(point)

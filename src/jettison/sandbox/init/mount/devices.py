"""``/dev`` of a container.

In:  a mount point, the container's devices.
Out: a mounted ``/dev`` and what belongs inside it.

Source: OCI runtime-spec 1.1, config-linux.md "Default Filesystems" and "Default Devices".
"""

from __future__ import annotations

import errno
import os

from jettison.linux.mount import (
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    MS_STRICTATIME,
    mount,
)
from jettison.sandbox.init.mount.nodes import DEVICES, make_nodes, show_host_devices, touch

_PLAIN = MS_NOSUID | MS_NODEV | MS_NOEXEC
_LINKS = (
    (b"ptmx", b"pts/ptmx"),
    (b"fd", b"/proc/self/fd"),
    (b"stdin", b"/proc/self/fd/0"),
    (b"stdout", b"/proc/self/fd/1"),
    (b"stderr", b"/proc/self/fd/2"),
    (b"core", b"/proc/kcore"),
)
_TTY_GROUP = 5


def mount_dev(point: bytes, *, privileged: bool) -> None:
    """Mount an empty ``/dev``; only that of privileged containers is for devices."""
    flags = MS_NOSUID | MS_STRICTATIME | (0 if privileged else MS_NODEV)
    mount(b"tmpfs", point, b"tmpfs", flags, b"mode=755,size=65536k")


def fill_dev(dev: bytes, *, privileged: bool) -> None:
    """Make the links that every container has, and files to bind devices over.

    A privileged container gets devices instead: its own nodes for those of the host.
    """
    parent = os.open(dev, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    if privileged:
        make_nodes(parent)
    else:
        for name, _, _ in DEVICES:
            touch(name, 0o666, parent)
    for name, target in _LINKS:
        os.symlink(target, name, dir_fd=parent)
    for name, mode in ((b"pts", 0o755), (b"shm", 0o1777), (b"mqueue", 0o755)):
        os.mkdir(name, mode, dir_fd=parent)
    os.close(parent)
    if privileged:
        show_host_devices(dev)


def mount_shm(dev: bytes, size: int) -> None:
    """Mount ``/dev/shm``; a size of 0 is no limit."""
    options = b"mode=1777" + (b",size=%d" % size if size else b"")
    mount(b"shm", dev + b"/shm", b"tmpfs", _PLAIN, options)


def mount_pts(dev: bytes) -> None:
    """Mount terminals of the container's own: devices that nobody can make others among."""
    target, options = dev + b"/pts", b"newinstance,ptmxmode=0666,mode=0620"
    flags = MS_NOSUID | MS_NOEXEC
    try:
        mount(b"devpts", target, b"devpts", flags, options + b",gid=%d" % _TTY_GROUP)
    except OSError as error:
        if error.errno != errno.EINVAL:  # the group is not mapped in this user namespace
            raise
        mount(b"devpts", target, b"devpts", flags, options)


def mount_mqueue(dev: bytes) -> None:
    """Mount ``/dev/mqueue``."""
    try:
        mount(b"mqueue", dev + b"/mqueue", b"mqueue", _PLAIN)
    except OSError as error:
        if error.errno != errno.ENODEV:  # a kernel without message queues
            raise

"""Process 1 of a container, from its first instruction to the program of the spec.

In:  the message, the control socket; descriptors 0, 1 and 2 are the program's.
Out: the program runs. Problems are ``OSError``; the server reports them.

The order matters: everything that needs the host's files comes before ``pivot_root``, the filter
of system calls before the loss of privileges, and no descriptor of the host is left when the
first path of the container is used as the container's.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import errno
import os

from jettison.linux.mount import (
    MNT_DETACH,
    MS_MOVE,
    make_readonly,
    pivot_root,
    propagate_one_way,
    unmount,
)
from jettison.linux.namespace import NEWCGROUP, set_hostname, unshare
from jettison.linux.process import confine_next_program, die_with_parent
from jettison.linux.syscall import libc
from jettison.sandbox.init import network, program, step, streams
from jettison.sandbox.init.mount.devices import (
    fill_dev,
    mount_dev,
    mount_mqueue,
    mount_pts,
    mount_shm,
)
from jettison.sandbox.init.mount.kernel_mounts import mount_proc, mount_sys
from jettison.sandbox.init.mount.mounts import Mounter, hide
from jettison.sandbox.init.mount.points import MountPoints, at
from jettison.sandbox.init.mount.root import mount_root
from jettison.sandbox.init.mount.watch import watch
from jettison.sandbox.wire import Attachments, Container
from jettison.sandbox.wire_codec import encode


def run(spec: Container, control: int) -> None:
    """Put the container together and execute its program; never returns.

    Raises:
        OSError: a step failed; ``step.current()`` names it.
    """
    begin(spec.attachments)
    os.umask(0)
    _own_cgroup_view()
    propagate_one_way()
    points = _mount_everything(spec, control)
    _enter_root(spec, points)
    _name_and_network(spec)
    program.limit_resources(spec.process.limits)
    os.umask(0o022)
    os.write(control, encode(points.ready()))
    if spec.shows_root:
        streams.send_over_stdin(os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC))
        _signal.pause()
    program.enter_directory(spec.process.cwd)
    step.enter("apply the AppArmor profile")
    confine_next_program(spec.apparmor)
    network.guard_shared(spec.filters)
    step.enter("filter system calls")
    reaper = program.filter_calls(spec.filters) or spec.process.init
    program.drop_privileges(spec.process, spec.capabilities)
    step.enter("execute")
    terminal = spec.attachments.terminal is not None
    program.start(spec.process, control, reaper=reaper, terminal=terminal)


def begin(attachments: Attachments) -> None:
    """Be the first process of a container: with its terminal, control groups and network.

    Raises:
        OSError: a step failed.
    """
    die_with_parent()
    os.setsid()
    if attachments.terminal and os.isatty(0):  # else it is made in the container
        streams.control_terminal()
    join_cgroups(attachments.cgroups)
    network.join(attachments.network)


def join_cgroups(files: list[bytes]) -> None:
    """Move this process into control groups by their ``cgroup.procs`` files."""
    step.enter("join control groups")
    for path in files:
        with open(path, "wb", buffering=0) as file:
            file.write(b"0")


def _own_cgroup_view() -> None:
    try:
        unshare(NEWCGROUP)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.EPERM}:  # kernels without, nested containers
            raise


def _mount_everything(spec: Container, control: int) -> MountPoints:
    points = mount_root(spec.root, userxattr=spec.userns)
    watch(spec.attachments.watched, points.find, control)
    privileged = spec.privileged
    step.enter("mount `/proc`")
    mount_proc(points)
    for each in spec.sysctls:
        step.enter(f"set the kernel's parameter `{os.fsdecode(each.path)}`")
        descriptor = points.find(b"proc/sys/" + each.path)
        with open(at(descriptor), "wb", buffering=0) as file:
            file.write(each.value)
        os.close(descriptor)
    step.enter("mount `/dev`")
    _mount_dev(spec, points)
    step.enter("mount `/sys`")
    mount_sys(points, readonly=not privileged)
    mounter = Mounter(points, spec.root.work, userxattr=spec.userns)
    for entry in spec.mounts:
        mounter.make(entry)
    if privileged:
        for device in spec.devices:
            mounter.show_device(device.target, device.source)
    if not privileged:
        step.enter("restrict devices")
        _restrict_devices(spec, points, mounter)
    mounter.close()
    return points


def _mount_dev(spec: Container, points: MountPoints) -> None:
    point = points.make_plain(b"dev")
    mount_dev(at(point), privileged=spec.privileged)
    os.close(point)
    dev = points.find(b"dev")
    fill_dev(at(dev), privileged=spec.privileged)
    if spec.shm_bytes is not None:
        mount_shm(at(dev), spec.shm_bytes)
    mount_mqueue(at(dev))
    if spec.privileged:
        _mount_terminals(spec, at(dev))
        streams.use_null(at(dev, b"null"))
    os.close(dev)


def _restrict_devices(spec: Container, points: MountPoints, mounter: Mounter) -> None:
    """Have every mount ``nodev``, and then a few devices shown one by one."""
    nodes = mounter.restrict()
    for device in spec.devices:
        mounter.show_device(device.target, nodes.copy(device.source))
    dev = points.find(b"dev")  # which a mount of the spec may be
    nodes.show_all(at(dev), mounter.taken)
    if b"pts" not in mounter.taken:
        _mount_terminals(spec, at(dev))
    null = at(dev, b"null")  # its own, whose mount stays
    streams.use_null(null if os.path.exists(null) else nodes.path(b"null"))
    os.close(dev)
    step.enter("hide paths of the kernel")
    hide(points, nodes, spec.masked, spec.readonly)


def _mount_terminals(spec: Container, dev: bytes) -> None:
    if os.path.isdir(dev + b"/pts"):
        mount_pts(dev)
    if spec.attachments.terminal:
        streams.use_terminal(dev, spec.attachments.terminal)


def _enter_root(spec: Container, points: MountPoints) -> None:
    step.enter("enter the root file system")
    os.fchdir(points.root)
    # A new descriptor sees the mount; the one of before is below it.
    os.chdir(spec.root.upper)
    try:
        pivot_root(b".", b".")
        unmount(b".", MNT_DETACH)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        # An initramfs cannot be pivoted away.
        libc("mount", b".", b"/", None, MS_MOVE, None)
        os.chroot(".")
    os.chdir("/")
    os.closerange(4, 1 << 16)
    if spec.readonly_root:
        make_readonly(b"/", recursive=False)


def _name_and_network(spec: Container) -> None:
    step.enter("set the host name")
    set_hostname(spec.hostname)
    if spec.loopback:
        step.enter("start the loopback interface")
        network.start_loopback()

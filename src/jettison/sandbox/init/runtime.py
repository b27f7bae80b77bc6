"""Start an OCI runtime in mount and process namespaces of its own.

In:  the message, with a bundle: its directory, its preparations and the runtime's command.
Out: the runtime runs as process 1 of an outer process namespace: ending it ends everything, and
    all mounts go with its mount namespace.
"""

from __future__ import annotations

import _socket
import os

from jettison.linux.mount import (
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    MS_RDONLY,
    bind,
    make_readonly,
    mount,
    propagate_one_way,
    restrict,
)
from jettison.linux.process import die_with_parent, execute, install_filter
from jettison.sandbox.init import descriptors, network, step, streams
from jettison.sandbox.init.container import begin
from jettison.sandbox.init.mount.devices import fill_dev, mount_dev
from jettison.sandbox.init.mount.nodes import Nodes, touch
from jettison.sandbox.init.mount.root import mount_root, mount_stack
from jettison.sandbox.init.mount.watch import watch
from jettison.sandbox.init.notify import responder
from jettison.sandbox.init.program import lead, reap_until, restore_signals
from jettison.sandbox.wire import (
    Bundle,
    PreparedBind,
    PreparedDevice,
    PreparedFile,
    PreparedOverlay,
    PreparedProgram,
    Runtime,
)
from jettison.sandbox.wire_codec import encode


def run(spec: Runtime, control: int) -> None:
    """Mount what the bundle needs and execute the runtime; never returns.

    Raises:
        OSError: a step failed.
    """
    begin(spec.attachments)
    bundle = spec.bundle
    os.umask(0)
    propagate_one_way()
    step.enter("mount `/proc`")
    mount(b"proc", b"/proc", b"proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    step.enter("hide control groups")
    _show_one_cgroup_hierarchy(bundle.hide_cgroups)
    points = mount_root(spec.root, userxattr=spec.userns)
    watch(spec.attachments.watched, points.find, control)
    step.enter("make mount points")
    for point in bundle.points:
        os.close(points.make(point.path, directory=point.directory))
    privileged = spec.privileged
    step.enter("make `/dev`")
    console = spec.attachments.terminal is not None
    nodes = _make_dev(bundle.directory, privileged=privileged, console=console)
    _prepare(bundle, nodes, userxattr=spec.userns)
    streams.use_new_null(bundle.directory + b"/files/null")
    if not privileged:
        flags = MS_NODEV | (MS_RDONLY if spec.readonly_root else 0)
        restrict(spec.root.upper, flags, private=True)
    step.enter("write the runtime's config")
    with open(bundle.directory + b"/files/config.json", "xb") as file:
        file.write(bundle.config)
    os.write(control, encode(points.ready()))
    network.guard_shared(spec.filters)
    if spec.filters.notify:
        step.enter("filter system calls")
        _filter_below_responder(spec, control)
    step.enter("execute the runtime")
    restore_signals()
    os.umask(0o022)
    environment = [b"PATH=" + os.environb.get(b"PATH", b"/usr/bin:/bin:/usr/sbin:/sbin")]
    execute(bundle.command[0], bundle.command, environment)


def _filter_below_responder(spec: Runtime, control: int) -> None:
    """Return in a child, filtered, whose parent stays to respond, and ends as the child ends.

    A runtime would wait for the responding process's end if that were its child.
    """
    proc = os.open("/proc", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    here, there = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
    child = os.fork()
    if child:
        os.close(control)
        there.close()
        listener = descriptors.receive(here)
        here.close()
        respond = None if listener < 0 else lambda: responder.serve(listener, proc)
        reap_until(child, respond=respond)
    here.close()
    os.close(proc)
    die_with_parent()
    lead(terminal=spec.attachments.terminal is not None)
    try:  # noqa: SIM105 - contextlib is not loaded here
        descriptors.send(there, install_filter(spec.filters.notify, listen=True))
    except OSError:
        pass  # somebody listens already: nobody responds then
    there.close()


def _show_one_cgroup_hierarchy(hide: bool) -> None:
    """Show the unified hierarchy only: crun refuses hosts that have both."""
    if not hide:
        return
    try:
        mount(b"cgroup2", b"/sys/fs/cgroup", b"cgroup2", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    except OSError:
        # In a user namespace only the mounts that are there can be shown.
        if os.path.isdir(b"/sys/fs/cgroup/unified"):
            bind(b"/sys/fs/cgroup/unified", b"/sys/fs/cgroup")


def _make_dev(bundle: bytes, *, privileged: bool, console: bool) -> Nodes | None:
    """Make a ``/dev`` for the runtime to bind, which makes no devices itself then.

    Returns:
        The devices; None for privileged containers, which need not be restricted to them.
    """
    dev, place = bundle + b"/dev", bundle + b"/nodes"
    os.mkdir(dev)
    mount_dev(dev, privileged=privileged)
    fill_dev(dev, privileged=privileged)
    if console:
        touch(dev + b"/console", 0o620)  # for the runtime to mount its terminal over
    if privileged:
        return None
    os.mkdir(place)
    mount(b"tmpfs", place, b"tmpfs", MS_NOSUID, b"mode=700")
    nodes = Nodes(place)
    nodes.show_all(dev, frozenset())
    nodes.show(b"null", b"/dev/null")  # what crun hides paths of the kernel with
    return nodes


def _prepare(bundle: Bundle, nodes: Nodes | None, *, userxattr: bool) -> None:
    """Make the files, overlays and binds that the runtime binds into the container."""
    files = bundle.directory + b"/files"
    os.mkdir(files)
    mount(b"tmpfs", files, b"tmpfs", MS_NOSUID | MS_NODEV, b"mode=700")
    for each in bundle.prepared:
        kind = type(each).__name__.removeprefix("Prepared").lower()
        step.enter(f"prepare a mount ({kind})")
        # Names are in the bundle, what is in memory is in the directory that is mounted there.
        path, inside = bundle.directory + b"/" + each.name, files + b"/" + each.name
        match each:
            case PreparedOverlay():
                _overlay(each, path, userxattr=userxattr)
            case PreparedBind():
                _bind(each.source, path, nodes, is_dev=each.is_dev)
                if each.readonly:  # crun makes mount points in it before it makes it so
                    make_readonly(path)
            case PreparedDevice():
                touch(path, 0o600)
                bind(nodes.copy(each.source) if nodes else each.source, path)
            case PreparedProgram():
                _write(inside, each.content, 0o700)
            case PreparedFile():
                touch(path, 0o600)
                _write(inside, each.content, 0o600)
                os.chown(inside, each.uid, each.gid)
                os.chmod(inside, each.mode)
                bind(inside, path, recursive=False)


def _overlay(entry: PreparedOverlay, path: bytes, *, userxattr: bool) -> None:
    scratch = path + b"-scratch"
    os.mkdir(path)
    os.mkdir(scratch)
    mount_stack(
        path,
        entry.lowers,
        scratch,
        writable=entry.writable,
        userxattr=userxattr,
        merged=entry.merged,
    )


def _write(path: bytes, content: bytes, mode: int) -> None:
    touch(path, mode)
    with open(path, "wb") as file:
        file.write(content)


def _bind(source: bytes, path: bytes, nodes: Nodes | None, *, is_dev: bool) -> None:
    """Bind a file or tree of the host, without devices: the runtime sees to the top only."""
    if os.path.isdir(source):
        os.mkdir(path)
    else:
        touch(path, 0o600)
    bind(source, path)
    if nodes is not None:
        restrict(path, MS_NODEV, private=True)
        if is_dev:
            nodes.show_all(path, frozenset({b"/dev"}))

"""Start an OCI runtime in mount and process namespaces of its own.

In:  the decoded spec with a bundle directory, its preparations and the runtime's command.
Out: the runtime runs as process 1 of an outer process namespace: ending it ends everything, and
    all mounts go with its mount namespace.
"""

from __future__ import annotations

import _socket
import marshal
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
from jettison.sandbox.init import network, step, streams
from jettison.sandbox.init.container import begin
from jettison.sandbox.init.mount.devices import fill_dev, mount_dev
from jettison.sandbox.init.mount.nodes import Nodes, touch
from jettison.sandbox.init.mount.root import mount_root, mount_stack
from jettison.sandbox.init.notify import responder
from jettison.sandbox.init.program import lead, reap_until, restore_signals


def run(spec: dict, control: int) -> None:  # type: ignore[type-arg]
    """Mount what the bundle needs and execute the runtime; never returns.

    Raises:
        OSError: a step failed.
    """
    begin(spec)
    os.umask(0)
    propagate_one_way()
    step.enter("mount `/proc`")
    mount(b"proc", b"/proc", b"proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    step.enter("hide control groups")
    _show_one_cgroup_hierarchy(spec["hide_cgroups"])
    points = mount_root(spec)
    step.enter("make mount points")
    for target, directory in spec["points"]:
        os.close(points.make(target, directory=directory))
    privileged = spec["privileged"]
    step.enter("make `/dev`")
    nodes = _make_dev(spec["bundle"], privileged=privileged, console=spec["terminal"])
    _prepare(spec["bundle"], spec["prepare"], nodes, userxattr=spec["userns"])
    streams.use_new_null(spec["bundle"] + b"/files/null")
    if not privileged:
        flags = MS_NODEV | (MS_RDONLY if spec["readonly_root"] else 0)
        restrict(spec["root"][1], flags, private=True)
    step.enter("write the runtime's config")
    with open(spec["bundle"] + b"/files/config.json", "xb") as file:
        file.write(spec["config"])
    os.write(control, marshal.dumps(("ready", points.made, points.parents)))
    network.guard_shared(spec)
    if spec["notify"]:
        step.enter("filter system calls")
        _filter_below_responder(spec, control)
    step.enter("execute the runtime")
    restore_signals()
    os.umask(0o022)
    environment = [b"PATH=" + os.environb.get(b"PATH", b"/usr/bin:/bin:/usr/sbin:/sbin")]
    execute(spec["command"][0], spec["command"], environment)


def _filter_below_responder(spec: dict, control: int) -> None:  # type: ignore[type-arg]
    """Return in a child, filtered, whose parent stays to respond, and ends as the child ends.

    A runtime would wait for the responding process's end if that were its child.
    """
    proc = os.open("/proc", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    here, there = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
    child = os.fork()
    if child:
        os.close(control)
        there.close()
        listener = responder.receive_listener(here)
        respond = None if listener < 0 else lambda: responder.serve(listener, proc)
        reap_until(child, respond=respond)
    here.close()
    os.close(proc)
    die_with_parent()
    lead(terminal=spec["terminal"])
    try:  # noqa: SIM105 - contextlib is not loaded here
        responder.send_listener(there, install_filter(spec["notify"], listen=True))
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


def _prepare(
    bundle: bytes, entries: list[tuple[object, ...]], nodes: Nodes | None, *, userxattr: bool
) -> None:
    """Make the files, overlays and binds that the runtime binds into the container."""
    files = bundle + b"/files"
    os.mkdir(files)
    mount(b"tmpfs", files, b"tmpfs", MS_NOSUID | MS_NODEV, b"mode=700")
    for kind, name, *rest in entries:
        step.enter(f"prepare a mount ({kind})")
        path = bundle + b"/" + name  # type: ignore[operator]
        if kind == "overlay":
            lowers, writable, merged = rest
            scratch = path + b"-scratch"
            os.mkdir(path)
            os.mkdir(scratch)
            mount_stack(
                path,
                lowers,  # type: ignore[arg-type]
                scratch,
                writable=bool(writable),
                userxattr=userxattr,
                merged=merged,  # type: ignore[arg-type]
            )
        elif kind == "bind":
            source, is_dev, readonly = rest
            _bind(source, path, nodes, is_dev=bool(is_dev))  # type: ignore[arg-type]
            if readonly:  # crun makes mount points in it before it makes it so
                make_readonly(path)
        elif kind == "device":
            touch(path, 0o600)
            source = rest[0]
            bind(nodes.copy(source) if nodes else source, path)  # type: ignore[arg-type]
        elif kind == "program":
            inside = files + b"/" + name  # type: ignore[operator]
            touch(inside, 0o700)
            with open(inside, "wb") as file:
                file.write(rest[0])  # type: ignore[arg-type]
        else:
            content, mode, uid, gid = rest
            # Its name is in the bundle, its bytes are in memory.
            inside = files + b"/" + name  # type: ignore[operator]
            for place in (path, inside):
                touch(place, 0o600)
            with open(inside, "wb") as file:
                file.write(content)  # type: ignore[arg-type]
            os.chown(inside, uid, gid)  # type: ignore[arg-type]
            os.chmod(inside, mode)  # type: ignore[arg-type]
            bind(inside, path, recursive=False)


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

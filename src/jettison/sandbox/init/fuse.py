"""Root file systems that fuse-overlayfs serves, and the process that watches over it.

In:  ``wire.Fuse``; flags for clone(2).
Out: the clone sees the mounts; this process passes signals on to it and ends as it ends.

    server ── clone(NEWNS) ──▶ supervisor ──┬─ clone(NEWPID, …) ──▶ process 1 of the container
                                            └─ fork ──▶ fuse-overlayfs, one for each mount

fuse-overlayfs is outside of the container's process namespace: nobody in there sees it or can
reach the host through it. It ends with the supervisor, however that ends, and the mounts are in
the supervisor's mount namespace and those below it only. The mounts are made here, with the
device's descriptor as the mount point of fuse-overlayfs: no set-user-ID program takes part.
fuse-overlayfs opens what it copies up, device nodes of layers too: it sees mounts without devices.

Source: mount.fuse3(8), ``/dev/fd/N``; fuse.rst, "Mount options".
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import _socket
import os

from jettison.linux.mount import MS_NODEV, mount, propagate_one_way, restrict
from jettison.linux.namespace import NEWNS, unshare
from jettison.linux.process import die_with_parent
from jettison.linux.syscall import clone, libc
from jettison.sandbox.init import descriptors, step
from jettison.sandbox.init.program import CATCHABLE, END, exit_code, restore_signals
from jettison.sandbox.wire import Failed, Fuse, FuseMount
from jettison.sandbox.wire_codec import encode

_SIGCHLD = 17
_SIGKILL = 9
_DEVICE = 3
_MOST_DESCRIPTORS = 1 << 16
_SPECIAL = b":,\\"
_OPTIONS = b"fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions"
_TEXT_BYTES = 1 << 12


def supervise(fuse: Fuse, control: int, flags: int, parent: int, first: int) -> None:
    """Mount, clone the container and follow it; returns in the clone only.

    Args:
        fuse: The program and what it mounts.
        control: Descriptor of the container's control socket.
        flags: Of the container, for clone(2).
        parent: Process ID of the server.
        first: Socket over which that gets a process descriptor of the container's first process,
            for those that join.

    Raises:
        OSError: a mount cannot be made; says what the program said.
    """
    _die_with(parent)
    _signal.pthread_sigmask(_signal.SIG_BLOCK, CATCHABLE)
    propagate_one_way()
    step.enter(f"{step.MOUNT_ROOT} with fuse-overlayfs")
    servers = {}
    for entry in fuse.mounts:
        pid, said = _mount(fuse.program, entry)
        servers[pid] = said
    root = os.open(fuse.mounts[0].merged, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    container = clone(flags)
    if container == 0:
        os.closerange(control + 1, _MOST_DESCRIPTORS)
        return
    _send(first, container)
    code = _follow(container, servers, control)
    if code >= 0:
        libc("syncfs", root)  # what was written to memory-mapped files
    for pid in servers:
        os.kill(pid, _SIGKILL)
        os.waitpid(pid, 0)
    os._exit(code if code >= 0 else 128 + _SIGKILL)


def _send(link: int, pid: int) -> None:
    """Send a process descriptor, where the kernel has such (Linux 5.3)."""
    try:
        descriptor = os.pidfd_open(pid)
    except OSError:
        return
    socket = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET, 0, link)
    descriptors.send(socket, descriptor)
    socket.close()


def _die_with(parent: int) -> None:
    die_with_parent()
    if os.getppid() != parent:  # it ended before
        os._exit(255)


def _mount(program: bytes, entry: FuseMount) -> tuple[int, int]:
    """Mount one stack; return the process that serves it and the file of what it says."""
    merged, upper = entry.merged, entry.upper
    if b":" in upper:  # it looks the path up again, and takes it for several
        raise OSError(22, "it takes no path with a colon", upper)
    device = os.open(b"/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    mount(b"fuse-overlayfs", merged, b"fuse.fuse-overlayfs", 0, _OPTIONS % device)
    said = os.memfd_create("said", os.MFD_CLOEXEC)
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        try:
            _die_with(parent)
            _serve(program, device, said, [*entry.lowers[::-1], upper, entry.work])
        finally:
            os._exit(255)
    os.close(device)
    try:
        os.stat(merged)  # answered when it serves; an error when it has ended
    except OSError as error:
        os.kill(pid, _SIGKILL)
        os.waitpid(pid, 0)
        raise OSError(error.errno, _last_line(said) or "it ended at once", program) from error
    return pid, said


def _serve(program: bytes, device: int, said: int, directories: list[bytes]) -> None:
    """Execute fuse-overlayfs; ``directories`` are the lowers, topmost first, upper and work."""
    null = os.open(b"/dev/null", os.O_RDWR)
    for source, target in ((null, 0), (null, 1), (said, 2), (device, _DEVICE)):
        os.dup2(source, target, inheritable=True)
    os.closerange(_DEVICE + 1, _MOST_DESCRIPTORS)
    unshare(NEWNS)
    restrict(b"/", MS_NODEV)
    common = os.path.commonpath([each for each in directories if each])
    os.chdir(common)
    *lowers, upper, work = [_name(each, common) for each in directories]
    options = b"lowerdir=" + b":".join(lowers)
    if upper:
        options += b",upperdir=" + upper + b",workdir=" + work
    restore_signals()
    argv = [program, b"-f", b"-o", options, b"/dev/fd/%d" % _DEVICE]
    os.execve(program, argv, {})  # noqa: S606


def _name(directory: bytes, common: bytes) -> bytes:
    """Return a short name; a descriptor's where special characters would be misread."""
    if not directory:
        return b""
    name = os.path.relpath(directory, common)
    if not any(character in _SPECIAL for character in name):
        return name
    descriptor = os.open(directory, os.O_PATH | os.O_DIRECTORY)
    os.set_inheritable(descriptor, True)
    return b"/proc/self/fd/%d" % descriptor


def _follow(container: int, servers: dict[int, int], control: int) -> int:
    """Return the exit code of the container, or -1 when it was killed on demand."""
    ended = False
    while True:
        number = _signal.sigwait(CATCHABLE)
        if number == _SIGCHLD:
            code = _reap(container, servers, control)
            if code is not None:
                return -1 if ended else code
            continue
        ended = ended or number == END
        os.kill(container, _SIGKILL if number == END else number)


def _reap(container: int, servers: dict[int, int], control: int) -> int | None:
    """Reap all that ended; return the exit code of the container when it is among them."""
    while True:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return None
        if pid == container:
            return exit_code(status)
        text = _last_line(servers.pop(pid)) or "it ended"
        os.write(control, encode(Failed(step="run fuse-overlayfs", code=0, text=text)))
        os.kill(container, _SIGKILL)


def _last_line(said: int) -> str:
    lines = os.pread(said, _TEXT_BYTES, 0).decode("utf-8", "replace").splitlines()
    return lines[-1] if lines else ""

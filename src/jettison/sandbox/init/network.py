"""A network namespace that a program of the host connects with the outside.

In:  the message: the program's command, a file that the namespace is shown at.
Out: a process that holds the namespace; the program beside it, in the host's network.

The process is the first of a process namespace, so that nothing of the program outlives it,
whatever the program becomes: pasta goes into the background and drops what would end it.
"""

from __future__ import annotations

import _socket
import errno
import fcntl
import os
import struct

from jettison.linux.landlock import leave_abstract_sockets
from jettison.linux.mount import bind, propagate_one_way
from jettison.linux.namespace import NEWNET, enter, unshare
from jettison.linux.process import die_with_parent, execute
from jettison.sandbox.init import step
from jettison.sandbox.init.program import restore_signals
from jettison.sandbox.wire import Filters, Network, Ready
from jettison.sandbox.wire_codec import encode

_SIOCGIFFLAGS = 0x8913
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 1
_READY = 3


def run(spec: Network, control: int) -> None:
    """Make the namespace, connect it, and hold it until somebody ends this process.

    Exits with the program's status when that fails; standard error has its reason then.

    Raises:
        OSError: a step failed.
    """
    die_with_parent()
    step.enter("connect the network")
    propagate_one_way()
    control = fcntl.fcntl(control, fcntl.F_DUPFD_CLOEXEC, _READY + 1)
    go, going = os.pipe2(os.O_CLOEXEC)
    ready, readied = os.pipe2(os.O_CLOEXEC)
    # In a namespace of its own this process could not come back into the host's network.
    child = os.fork()
    if child == 0:
        os.close(going)
        if os.read(go, 1):
            _execute(spec, readied)
        os._exit(255)
    os.close(readied)
    unshare(NEWNET)
    start_loopback()
    bind(b"/proc/self/ns/net", spec.shown_at, recursive=False)
    os.write(going, b"1")
    if spec.tells:  # it stays, and says when the network is there
        if not os.read(ready, 1):
            os._exit(_status_of(child) or 255)
    elif code := _status_of(child):  # it goes into the background when the network is there
        os._exit(code)
    pid = int(os.readlink(b"/proc/self"))  # of the host's, not of the new process namespace
    os.write(control, encode(Ready(points=[], parents=[], pid=pid)))
    while True:
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            os._exit(0)  # nobody connects the namespace any more


def _execute(spec: Network, readied: int) -> None:
    try:
        os.chdir(os.path.dirname(spec.shown_at))
        if spec.tells:
            os.dup2(readied, _READY, inheritable=True)
        restore_signals()
        path = os.environb.get(b"PATH", b"/usr/bin:/bin:/usr/sbin:/sbin")
        execute(spec.command[0], spec.command, [b"PATH=" + path])
    except OSError as error:
        os.write(2, f"{error.strerror}\n".encode())


def _status_of(child: int) -> int:
    _, status = os.waitpid(child, 0)
    return abs(os.waitstatus_to_exitcode(status))


def join(path: bytes) -> None:
    """Enter a network namespace by its path; nothing for an empty one."""
    if not path:
        return
    step.enter("join the network")
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    enter(descriptor, NEWNET)
    os.close(descriptor)


def guard_shared(filters: Filters) -> None:
    """Keep what runs from now on from the abstract sockets of the network that it shares."""
    if filters.scoped:
        step.enter("leave the host's abstract sockets")
        leave_abstract_sockets()


def start_loopback() -> None:
    """Set the loopback interface up.

    Raises:
        OSError: this is no network namespace of ours.
    """
    socket = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM, 0)
    try:
        request = struct.pack("16sH22x", b"lo", 0)
        (flags,) = struct.unpack_from("H", fcntl.ioctl(socket, _SIOCGIFFLAGS, request), 16)
        fcntl.ioctl(socket, _SIOCSIFFLAGS, struct.pack("16sH22x", b"lo", flags | _IFF_UP))
    except OSError as error:
        raise OSError(error.errno or errno.EPERM, error.strerror, "lo") from None
    finally:
        socket.close()

"""A container that an OCI runtime has made inside of the one that its driver has started.

In:  a process descriptor of the outer container's first process, where the runtime makes the other.
Out: one of the inner container's first process, once that is the container's program.

    outer container: mounts and processes of the runtime
      └─ inner container: process 1 is the program

Before that program is executed, process 1 is the runtime's own: with the host's root directory, and
with rights that it still has to lose. Nobody joins then. It is the program when it is in the
container's root, its executable is no longer that of the runtime (crun), and the runtime has taken
away the file at which it waits (runc).

Security: the container knows none of this, cannot change what is asked, and its processes are not
mistaken for the first: of those that the runtime sees with one number more, only that is 1.
Source: proc(5), ``NSpid``; namespaces(7); runc's ``exec.fifo``.
"""

from __future__ import annotations

import _socket
import errno
import os
import select

from jettison.linux.namespace import NEWNS, NEWPID, enter
from jettison.linux.process import die_with_parent
from jettison.sandbox.init import descriptors
from jettison.sandbox.wire import Inside

_ATTEMPTS = 1000
_INTERVAL_SECONDS = 0.01


def first_process(outer: int, inside: Inside) -> int:
    """Return a process descriptor; this process is in the mount namespace of the runtime then.

    Args:
        outer: Process descriptor; closed here.
        inside: What is known of the container.

    Raises:
        OSError: it has ended, or did not begin in time.
    """
    enter(outer, NEWNS | NEWPID)
    os.close(outer)
    here, there = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
    child = os.fork()  # which is in the process namespace of the runtime
    if child == 0:
        try:
            die_with_parent()
            descriptors.send(there, os.pidfd_open(_wait(inside)))
        finally:
            os._exit(0)
    there.close()
    found = descriptors.receive(here)
    here.close()
    os.waitpid(child, 0)
    if found < 0:
        raise OSError(errno.ESRCH, "the container is not running")
    return found


def _wait(inside: Inside) -> int:
    """Return the number of the first process once it is the program.

    Raises:
        TimeoutError: it was not in time.
    """
    for _ in range(_ATTEMPTS):
        for pid in sorted(int(name) for name in os.listdir(b"/proc") if name.isdigit()):
            try:
                if _is_first(pid) and _is_program(pid, inside):
                    return pid
            except OSError:
                continue  # it has ended just now
        select.select([], [], [], _INTERVAL_SECONDS)
    raise TimeoutError


def _is_first(pid: int) -> bool:
    """Tell whether a process is the first one of a namespace just below that of the runtime."""
    return _status(pid, b"NSpid:")[1:] == [b"1"]


def _is_program(pid: int, inside: Inside) -> bool:
    (parent,) = _status(pid, b"PPid:")
    return (
        os.path.samestat(os.stat(b"/proc/%d/root/." % pid), os.stat(inside.root))
        and not os.path.samestat(
            os.stat(b"/proc/%d/exe" % pid), os.stat(b"/proc/%d/exe" % int(parent))
        )
        and not os.path.lexists(inside.pending)
    )


def _status(pid: int, name: bytes) -> list[bytes]:
    """Return the values of a field of ``/proc/PID/status``; none where the kernel lacks it."""
    with open(b"/proc/%d/status" % pid, "rb") as file:
        for line in file:
            if line.startswith(name):
                return line.split()[1:]
    return []

"""A further process in a container that runs already, and a look at its root directory.

In:  the message, the control socket, a descriptor of the container's first process.
Out: the program runs, below a process that ends as it ends; problems are ``OSError``.

    server ── clone ──▶ process above, in the container's namespaces but that of processes
                          └─ fork ──▶ the program, in all of them

Security: whoever runs in the container sees this process from the fork on, before it is the
program. It holds no descriptor of the host then but that of ``/proc``, which is closed before the
first path of the container is used; it has no core to dump and nobody may trace it (set by the
server), and its executable is behind a read-only mount (``sandbox.init.boot``). ``/proc`` is the
host's, since one of the container's may be made to lie. Control groups, profile, filters, limits
and capabilities are applied as for the container's own program, in the same order.

Source: CVE-2016-9962, CVE-2019-5736, CVE-2024-21626 (runc); setns(2), pidfd_open(2).
"""

from __future__ import annotations

import errno
import os

from jettison.linux.namespace import NEWCGROUP, NEWIPC, NEWNET, NEWNS, NEWPID, NEWUTS, enter
from jettison.linux.process import confine_next_program, die_with_parent
from jettison.sandbox.init import network, program, step, streams
from jettison.sandbox.init.container import join_cgroups
from jettison.sandbox.init.join import inside
from jettison.sandbox.wire import Join, Show

_NAMESPACES = NEWNS | NEWIPC | NEWUTS | NEWPID


def run(message: Join, control: int, target: int) -> None:
    """Join a container and execute a program in it; never returns.

    Args:
        message: What is to run.
        control: Descriptor of the control socket.
        target: Process descriptor of the container's first process.

    Raises:
        OSError: a step failed; ``step.current()`` names it.
    """
    die_with_parent()
    join_cgroups(message.attachments.cgroups)
    proc = os.open("/proc", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    step.enter("join the container")
    if message.inside:
        target = inside.first_process(target, message.inside)
    _join(target, _NAMESPACES | (NEWNET if message.network else 0))
    try:
        enter(target, NEWCGROUP)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.EPERM}:  # as when the container was made
            raise
    os.close(target)
    child = os.fork()
    if child:
        os.close(proc)
        os.close(control)
        program.reap_until(child)
    die_with_parent()
    os.setsid()
    step.enter("apply the AppArmor profile")
    os.fchdir(proc)
    confine_next_program(message.apparmor, b"self/attr")
    os.close(proc)
    process = message.process
    step.enter("make a terminal")
    if message.attachments.terminal:
        streams.use_joined_terminal(b"/dev", message.attachments.terminal)
    step.enter("open the null device of the container")
    streams.use_null(b"/dev/null")
    program.limit_resources(process.limits)
    os.umask(0o022)
    program.enter_directory(process.cwd)
    network.guard_shared(message.filters)
    step.enter("filter system calls")
    reaper = program.filter_calls(message.filters)
    program.drop_privileges(process, message.capabilities)
    step.enter("execute")
    terminal = message.attachments.terminal is not None
    program.start(process, control, reaper=reaper, terminal=terminal)


def show(message: Show, _: int, target: int) -> None:
    """Send the root directory of a container over standard input; never returns.

    Raises:
        OSError: the container has ended, or cannot be entered.
    """
    die_with_parent()
    step.enter("join the container")
    if message.inside:
        target = inside.first_process(target, message.inside)
    _join(target, NEWNS)
    streams.send_over_stdin(os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC))
    os._exit(0)


def _join(target: int, namespaces: int) -> None:
    """Enter namespaces of a process.

    Raises:
        OSError: it has ended, or the kernel has no such call.
    """
    try:
        enter(target, namespaces)
    except OSError as error:
        if error.errno == errno.EINVAL:
            raise OSError(errno.EINVAL, "needs Linux 5.8 or newer") from error
        if error.errno == errno.ESRCH:
            raise OSError(errno.ESRCH, "the container is not running") from error
        raise

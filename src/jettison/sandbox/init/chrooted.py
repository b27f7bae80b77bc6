"""A process in a chroot, from its first instruction to the program of the spec.

In:  the message, the control socket; descriptors 0, 1 and 2 are the program's.
Out: the program runs, below a process that ends what it leaves behind.

There is no process namespace that ends as a whole: orphans come to the process above the program,
which kills them when the program has ended. The same process responds to notifications of the
filter of system calls: for ``/proc``, and for owners where they are noted.
"""

from __future__ import annotations

import _socket
import os

from jettison.linux.files import open_in_root
from jettison.linux.process import (
    adopt_orphans,
    become,
    die_with_parent,
    forbid_new_privileges,
    install_filter,
)
from jettison.sandbox.init import descriptors, program, step, streams
from jettison.sandbox.init.container import begin
from jettison.sandbox.init.mount.watch import watch
from jettison.sandbox.init.notify import responder
from jettison.sandbox.init.notify.memory_files import MemoryFiles, write_all
from jettison.sandbox.wire import Chroot, Ready
from jettison.sandbox.wire_codec import encode


def run(spec: Chroot, control: int) -> None:
    """Enter the root file system and execute the program; never returns.

    Raises:
        OSError: a step failed; ``step.current()`` names it.
    """
    begin(spec.attachments)
    process = spec.process
    adopt_orphans()
    pid = os.getpid()
    children = os.open(f"/proc/{pid}/task/{pid}/children", os.O_RDONLY | os.O_CLOEXEC)
    proc = os.open("/proc", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    step.enter("put files into memory")
    files = MemoryFiles(spec.memory_files)
    _watch(spec, control)
    step.enter("enter the root file system")
    os.chdir(spec.tree)
    os.chroot(".")
    streams.use_null(b"/dev/null")
    program.limit_resources(process.limits)
    os.umask(0o022)
    os.write(control, encode(Ready(points=[], parents=[], pid=0)))
    program.enter_directory(process.cwd)
    step.enter("filter system calls")
    here, there = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
    child = os.fork()
    if child:
        os.close(control)
        there.close()
        # Only equals may look into a process, and only those above it where Yama is on.
        if not spec.single_id:
            become(process.uid, process.gid, process.groups)
        # Programs with the set-user-ID bit lose their own parent-death signal.
        die_with_parent(program.END)
        listener = descriptors.receive(here)
        here.close()
        calls = files.calls()
        respond = None if listener < 0 else lambda: responder.serve(listener, proc, calls)
        program.reap_until(child, children, respond)
    die_with_parent()
    program.lead(terminal=spec.attachments.terminal is not None)
    os.close(here.detach())
    _filter(spec, there)
    step.enter("change the user")
    streams.give_to(process.uid)
    if process.no_new_privileges:
        forbid_new_privileges()
    become(process.uid, process.gid, process.groups)
    step.enter("execute")
    program.run(process, control)


def _watch(spec: Chroot, control: int) -> None:
    root = os.open(spec.tree, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    watch(spec.attachments.watched, lambda path: open_in_root(root, path), control)
    os.close(root)


def _filter(spec: Chroot, responding: _socket.socket) -> None:
    """Install the filter of system calls, and give its listener to the process that responds.

    Raises:
        OSError: the kernel refuses.
    """
    listener = -1
    if spec.filters.notify and responder.can_add_descriptors():
        try:
            forbid_new_privileges()
            listener = install_filter(spec.filters.notify, listen=True)
        except OSError:
            pass  # somebody listens already: there is no /proc then, and no owner is noted
    if listener >= 0:
        descriptors.send(responding, listener)
        os.close(responding.detach())
        return
    write_all(spec.memory_files, spec.tree)
    if spec.single_id:
        forbid_new_privileges()
        install_filter(spec.filters.refuse)
    os.close(responding.detach())

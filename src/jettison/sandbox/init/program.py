"""From a prepared root to the program: limits, identity, look-up on PATH, exec.

In:  the process of a message, with everything mounted and entered.
Out: the program runs; or a line on standard error and exit code 126 or 127.

Source: the texts of runc's and BuildKit's errors; execvp(3); Go's exec.LookPath.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import _thread
import errno
import os
import resource
import stat
from _collections_abc import Callable
from types import ModuleType

from jettison.linux.process import (
    be_no_root,
    become,
    capabilities,
    die_with_parent,
    execute,
    forbid_new_privileges,
    install_filter,
    limit_bounding_set,
    set_capabilities,
)
from jettison.linux.text import printable_bytes
from jettison.sandbox.init import step, streams
from jettison.sandbox.wire import Executing, Filters, Process, ResourceLimit
from jettison.sandbox.wire_codec import encode

_NOT_FOUND = 127
_NOT_EXECUTABLE = 126
_LAST_SIGNAL = 64
_SIGCHLD = 17
_SIGTTOU = 22
_LIST_BYTES = 1 << 16

CATCHABLE = set(range(1, _LAST_SIGNAL + 1)) - {9, 19, 32, 33}
"""Signals that a process can wait for: not SIGKILL, SIGSTOP and those of the C library."""


END = 34
"""Signal to a process above a program: kill that. SIGKILL would end it before its program."""


def limit_resources(limits: list[ResourceLimit]) -> None:
    """Set resource limits; -1 is unlimited. More than the hard limit is an error without rights."""
    for limit in limits:
        try:
            resource.setrlimit(limit.resource, (limit.soft, limit.hard))
        except ValueError as error:
            raise OSError(errno.EPERM, f"resource limit {limit.resource}: {error}") from None


def filter_calls(filters: Filters) -> bool:
    """Install the system call filter; return whether there is a process that responds to it.

    Raises:
        OSError: the kernel refuses.
    """
    if filters.notify:
        try:
            proc = os.open("/proc", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            load_responder().start(lambda: install_filter(filters.notify, listen=True), proc)
        except OSError:
            pass  # an old kernel, or somebody listens already: nobody responds then
        else:
            return True
    if filters.refuse:
        install_filter(filters.refuse)
    return False


def load_responder() -> ModuleType:
    """Return the module that responds to notifications, which few filters need."""
    from jettison.sandbox.init.notify import responder

    return responder


def drop_privileges(process: Process, capability_mask: int) -> None:
    """Become a user, with the capabilities of the container.

    Args:
        process: Has the user, the group and supplementary groups.
        capability_mask: Bounding set, and what root has.
    """
    if process.no_new_privileges:
        forbid_new_privileges()
    step.enter("change the user")
    limit_bounding_set(capability_mask)
    uid = process.uid
    streams.give_to(uid)
    become(uid, process.gid, process.groups)
    if uid and os.getuid() == 0:  # where there is one user, the filter only pretends
        be_no_root()
    own = capability_mask & capabilities()[1] if uid == 0 else 0
    set_capabilities(own, own, 0)
    die_with_parent()  # the change of the user had cleared it


def enter_directory(cwd: bytes) -> None:
    """Change to the working directory, which must be inside the root.

    Security: a path such as ``/proc/self/fd/7`` could lead to a directory of the host while a
    descriptor of it is open; none is, and ``getcwd`` would say so.
    """
    step.enter("enter the working directory")
    os.chdir(cwd)
    if not os.getcwdb().startswith(b"/"):
        raise OSError(errno.EPERM, "the working directory is outside the container", cwd)


def start(process: Process, control: int, *, reaper: bool, terminal: bool) -> None:
    """Execute the program; never returns.

    Args:
        process: The program.
        control: Descriptor of the control socket, closed on exec.
        reaper: Stay as process 1, pass signals on and reap orphans.
        terminal: Standard input is the session's terminal.
    """
    if reaper:
        child = os.fork()
        if child:
            os.close(control)
            reap_until(child)
        lead(terminal=terminal)
    run(process, control)


def lead(*, terminal: bool) -> None:
    """Become the leader of the process group that a terminal belongs to."""
    os.setpgid(0, 0)
    if terminal:
        _signal.signal(_SIGTTOU, _signal.SIG_IGN)
        os.tcsetpgrp(0, os.getpid())


def run(process: Process, control: int) -> None:
    """Execute the program in this process; never returns."""
    restore_signals()
    code, text = _execute(process, control)
    os.write(2, printable_bytes(text) + b"\n")
    os._exit(code)


def restore_signals() -> None:
    """Undo what the interpreter ignores (SIGPIPE for example), which exec would pass on."""
    for number in range(1, _LAST_SIGNAL + 1):
        if _signal.getsignal(number) is _signal.SIG_IGN:
            _signal.signal(number, _signal.SIG_DFL)
    _signal.pthread_sigmask(_signal.SIG_SETMASK, ())


def _execute(process: Process, control: int) -> tuple[int, bytes]:
    """Return the exit code and text of a failure."""
    argv, env = process.argv, process.env
    name = argv[0]
    path, problem = look_up(name, env)
    if problem:
        code = _NOT_FOUND if problem[0] in {errno.ENOENT, errno.ENOTDIR} else _NOT_EXECUTABLE
        return code, b'exec: "%s": %s' % (name, problem[1])
    if process.announced:
        os.write(control, encode(Executing()))
    try:
        execute(path, argv, env)
    except OSError as error:
        code = _NOT_FOUND if error.errno in {errno.ENOENT, errno.ENOTDIR} else _NOT_EXECUTABLE
        return code, b"exec %s: %s" % (path, _reason(error))
    return 0, b""


def look_up(name: bytes, env: list[bytes]) -> tuple[bytes, tuple[int, bytes] | None]:
    """Find a program as execvp(3) would; a name with a slash is a path.

    Returns:
        The path and None; or an errno and what is wrong with the name.
    """
    if b"/" in name:
        return name, _problem(name)
    denied = None
    for directory in _search_path(env).split(b":"):
        path = (directory or b".") + b"/" + name
        problem = _problem(path)
        if problem is None:
            return path, None
        if problem[0] == errno.EACCES:
            denied = problem
    return b"", denied or (errno.ENOENT, b"executable file not found in $PATH")


def _problem(path: bytes) -> tuple[int, bytes] | None:
    try:
        found = os.stat(path)
    except OSError as error:
        return error.errno or 0, b"stat %s: %s" % (path, _reason(error))
    if stat.S_ISDIR(found.st_mode):
        return errno.EISDIR, b"is a directory"
    if not os.access(path, os.X_OK, effective_ids=False):
        return errno.EACCES, b"permission denied"
    return None


def _search_path(env: list[bytes]) -> bytes:
    found = b""
    for entry in env:
        if entry.startswith(b"PATH="):
            found = entry[5:]
    return found


def _reason(error: OSError) -> bytes:
    return os.strerror(error.errno or 0).lower().encode()


def reap_until(child: int, children: int = -1, respond: Callable[[], None] | None = None) -> None:
    """Be process 1: pass signals to the program's group, reap orphans, end as the program ends.

    Args:
        child: The program.
        children: Descriptor of the kernel's list of this process's children, which are killed
            when the program has ended; -1 where the kernel does that.
        respond: Runs beside, in a thread.
    """
    own = {_SIGCHLD, _signal.SIGTTIN, _SIGTTOU}
    _signal.pthread_sigmask(_signal.SIG_BLOCK, CATCHABLE)
    for descriptor in (0, 1, 2):
        os.close(descriptor)
    if respond:
        _thread.start_new_thread(respond, ())
    while True:
        code = _reap(child)
        if code is not None:
            if children >= 0:
                _kill_all(children)
            os._exit(code)
        number = _signal.sigwait(CATCHABLE)
        if number == END and children >= 0:
            _kill_all(children)
            os._exit(128 + _signal.SIGKILL)
        if number not in own:
            try:
                os.killpg(child, number)
            except OSError:
                continue


def _kill_all(children: int) -> None:
    """Kill what is left of the program, and what that leaves."""
    while True:
        for text in os.pread(children, _LIST_BYTES, 0).split():
            try:
                os.kill(int(text), _signal.SIGKILL)
            except OSError:
                continue
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _reap(child: int) -> int | None:
    """Reap all that ended; return the exit code of ``child`` when it is among them."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return 255
        if pid == child:
            return exit_code(status)
        if pid == 0:
            return None


def exit_code(status: int) -> int:
    """Return the exit code of a wait status, 128 + signal number for a killed process."""
    code = os.waitstatus_to_exitcode(status)
    return 128 - code if code < 0 else code

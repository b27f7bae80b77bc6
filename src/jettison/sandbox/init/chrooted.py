"""A process in a chroot, from its first instruction to the program of the spec.

In:  the decoded spec, the control socket; descriptors 0, 1 and 2 are the program's.
Out: the program runs, below a process that ends what it leaves behind.

There is no process namespace that ends as a whole: orphans come to the process above the program,
which kills them when the program has ended.
"""

from __future__ import annotations

import fcntl
import marshal
import os
import termios

from jettison.linux.process import (
    adopt_orphans,
    become,
    die_with_parent,
    forbid_new_privileges,
)
from jettison.sandbox.init import guard, program
from jettison.sandbox.init.container import join_cgroups


def run(spec: dict, control: int) -> None:  # type: ignore[type-arg]
    """Enter the root file system and execute the program; never returns.

    Raises:
        OSError: a step failed; ``guard.step()`` names it.
    """
    die_with_parent()
    os.setsid()
    if spec["terminal"]:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    join_cgroups(spec["cgroups"])
    adopt_orphans()
    pid = os.getpid()
    children = os.open(f"/proc/{pid}/task/{pid}/children", os.O_RDONLY | os.O_CLOEXEC)
    proc = os.open("/proc", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    guard.enter("enter the root file system")
    os.chdir(spec["tree"])
    os.chroot(".")
    program.limit_resources(spec["rlimits"])
    os.umask(0o022)
    os.write(control, marshal.dumps(("ready", [], {})))
    program.enter_directory(spec["cwd"])
    guard.enter("change the user")
    if spec["driver"] == "chroot-single-id":
        forbid_new_privileges()
        program.filter_calls(spec, proc)
    become(spec["uid"], spec["gid"], spec["groups"])
    die_with_parent()
    guard.enter("execute")
    os.close(control)
    program.start(
        spec["argv"],
        spec["env"],
        reaper=True,
        terminal=spec["terminal"],
        children=children,
    )

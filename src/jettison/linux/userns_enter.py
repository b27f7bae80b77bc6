"""The program between two starts of Jettison: unshares, has ids mapped, executes the second.

In:  ``argv``: package directory, newuidmap, newgidmap, their maps (comma-separated), the command.
Out: the command, as root of a new user namespace; or, with the problem in an environment
    variable, in the old one, where it is reported.

It is executed with ``-I -S`` and imports almost nothing. It has one thread, so it may fork: the
child stays outside and runs the set-user-ID programs that write the maps.
"""

from __future__ import annotations

import os
import sys

from jettison.linux.namespace import NEWNS, NEWUSER, unshare

ENTERED = "JETTISON_USERNS"
FAILED = "JETTISON_USERNS_FAILED"
_FIRST = 2
_LIMIT = 4096


def main() -> None:
    """Enter the namespace and execute the command; never returns."""
    newuidmap, newgidmap, uid_map, gid_map, *command = sys.argv[_FIRST:]
    try:
        _enter([newuidmap, *uid_map.split(",")], [newgidmap, *gid_map.split(",")])
    except OSError as error:
        os.environ[FAILED] = str(error.strerror)
    else:
        os.environ[ENTERED] = "1"
    os.execv(command[0], command)  # noqa: S606


def _enter(uid_command: list[str], gid_command: list[str]) -> None:
    """Unshare, with a child that maps the ids from outside.

    Raises:
        OSError: unsharing or mapping failed; the text says why.
    """
    ready, unshared = os.pipe2(os.O_CLOEXEC)
    answer, answering = os.pipe2(os.O_CLOEXEC)
    parent = os.getpid()
    child = os.fork()  # noqa: TID251 - this program has one thread
    if child == 0:
        os.close(unshared)
        problem = b""
        if os.read(ready, 1):
            problem = _map(uid_command, parent) or _map(gid_command, parent)
        os.write(answering, problem)
        os._exit(0)
    os.close(answering)
    os.close(ready)
    try:
        unshare(NEWUSER | NEWNS)
        os.write(unshared, b"1")
    finally:
        os.close(unshared)
        problem = os.read(answer, _LIMIT)
        os.close(answer)
        os.waitpid(child, 0)
    if problem:
        raise OSError(1, problem.decode(errors="replace"))
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)


def _map(command: list[str], pid: int) -> bytes:
    """Run newuidmap or newgidmap for a process; return what is wrong, or nothing."""
    output, writing = os.pipe2(os.O_CLOEXEC)
    argv = [command[0], str(pid), *command[1:]]
    actions = [(os.POSIX_SPAWN_DUP2, writing, 2)]
    child = os.posix_spawn(command[0], argv, os.environ, file_actions=actions)
    os.close(writing)
    text = b""
    while len(text) < _LIMIT and (chunk := os.read(output, _LIMIT)):
        text += chunk
    os.close(output)
    _, status = os.waitpid(child, 0)
    if status == 0:
        return b""
    name = os.path.basename(command[0]).encode()
    return (b"`" + name + b"` failed: " + b" ".join(text.split()))[:_LIMIT]

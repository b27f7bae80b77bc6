"""The program between two starts of Jettison: unshares, has ids mapped, executes the second.

In:  ``argv``: package directory, newuidmap, newgidmap, their maps (comma-separated), the command;
    without programs the own ids are mapped here.
Out: the command, as root of a new user namespace; or in the old one, with the reason in an
    environment variable.

It is executed with ``-I -S`` and imports almost nothing. It has one thread, so it may fork: the
child stays outside and runs the set-user-ID programs that write the maps.
"""

from __future__ import annotations

import os
import sys

from jettison.linux.namespace import NEWNS, NEWUSER, unshare

ENTERED = "JETTISON_USERNS"
REASON = "JETTISON_USERNS_REASON"
_FIRST = 2
_LIMIT = 4096


def main() -> None:
    """Enter the namespace and execute the command; never returns."""
    newuidmap, newgidmap, uid_map, gid_map, *command = sys.argv[_FIRST:]
    entered = "single-id"
    try:
        if newuidmap:
            entered = _enter_best(
                [newuidmap, *uid_map.split(",")], [newgidmap, *gid_map.split(",")]
            )
        else:
            _enter_single_id(os.geteuid(), os.getegid())
    except OSError as error:
        entered = "none"
        os.environ[REASON] = f"cannot enter a user namespace: {error.strerror}"
    os.environ[ENTERED] = entered
    os.execv(command[0], command)  # noqa: S606


def _enter_best(uid_command: list[str], gid_command: list[str]) -> str:
    """Enter with borrowed ids, or alone when the kernel agrees and newuidmap does not.

    Raises:
        OSError: the kernel forbids it.
    """
    ids = os.geteuid(), os.getegid()
    try:
        _enter(uid_command, gid_command)
    except OSError as error:
        with open("/proc/self/uid_map", encoding="ascii") as file:
            if file.read():  # not entered, or half mapped
                raise
        os.environ[REASON] = str(error.strerror)
        _map_own(*ids)
        return "single-id"
    return "ids"


def _enter_single_id(uid: int, gid: int) -> None:
    unshare(NEWUSER | NEWNS)
    _map_own(uid, gid)


def _map_own(uid: int, gid: int) -> None:
    """Map one user and one group, which everybody may do for himself."""
    maps = (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1"))
    for name, text in maps:
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(text)


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

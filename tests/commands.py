"""The command line without its start: a process that has loaded it forks for each command.

In:  arguments, environment, directory, standard input of a command.
Out: what it said and its exit status, as ``subprocess.run`` gives them.

Loading Python and Jettison takes ten times as long as most commands that tests run, and there are
thousands of them. Each command still is a process of its own, of its own user, which begins at
``jettison.__main__``. What is about starting, signals, terminals or the interpreter's settings
starts the program itself.
"""

from __future__ import annotations

import array
import json
import os
import select
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from command_server import MAX_REQUEST, STREAMS

_PROGRAM = Path(__file__).with_name("command_server.py")
_OF_THE_INTERPRETER = ("PYTHON", "LC_", "LANG", "LD_", "MALLOC_")
"""What begins like that is looked at before any program of Python runs."""

_servers: dict[object, CommandServer] = {}


def run_command(
    interpreter: Sequence[str],
    args: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: str | Path | None = None,
    stdin: bytes = b"",
    timeout: float = 120,
) -> subprocess.CompletedProcess[bytes]:
    """Run a command.

    Args:
        interpreter: Words that start Python, as somebody else if need be.
        args: Of the command line.
        env: All of its environment.
        cwd: Where it is run; here if it is not said.
        stdin: Its standard input.
        timeout: In seconds.

    Raises:
        subprocess.TimeoutExpired: it took longer, and was killed.
    """
    settings = {key: env[key] for key in env if key.startswith(_OF_THE_INTERPRETER)}
    key = (os.getpid(), *interpreter, *sorted(settings.items()))
    if key not in _servers:
        _servers[key] = CommandServer(interpreter, {**settings, "PATH": os.environ["PATH"]})
    return _servers[key].run(args, env=env, cwd=cwd, stdin=stdin, timeout=timeout)


class CommandServer:
    """A process that forks for each command; it ends with the process that made it.

    Args:
        interpreter: Words that start Python.
        env: Its environment.
    """

    def __init__(self, interpreter: Sequence[str], env: Mapping[str, str]) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            # As standard input, which every program that becomes somebody else hands on.
            argv = [*interpreter, str(_PROGRAM)]
            self._process = subprocess.Popen(argv, env=env, stdin=theirs, cwd="/")

    def run(
        self,
        args: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: str | Path | None,
        stdin: bytes,
        timeout: float,
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a command; see ``run_command``."""
        request = json.dumps([list(args), dict(env), os.fspath(cwd or os.getcwd())]).encode()
        assert len(request) < MAX_REQUEST, "start the program itself"
        pipes = [os.pipe() for _ in range(STREAMS)]
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        passed = [pipes[0][0], pipes[1][1], pipes[2][1], theirs.fileno()]
        self._socket.sendmsg(
            [request], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", passed))]
        )
        theirs.close()
        for end in passed[:STREAMS]:
            os.close(end)
        with ours:
            started = ours.recv(64)
            assert started, f"the server of commands has ended: {self._process.wait()}"
            argv = ["jettison", *args]
            out, err = _communicate(
                int(started), pipes[0][1], pipes[1][0], pipes[2][0], stdin, timeout, argv
            )
            status = int(ours.recv(64))
        return subprocess.CompletedProcess(argv, status, out, err)


def _communicate(
    pid: int, stdin: int, stdout: int, stderr: int, data: bytes, timeout: float, argv: Sequence[str]
) -> tuple[bytes, bytes]:
    """Write and read all; as ``Popen.communicate`` does."""
    said: dict[int, list[bytes]] = {stdout: [], stderr: []}
    poll, left = select.poll(), {stdout, stderr}
    os.set_blocking(stdin, False)
    for stream in left:
        poll.register(stream, select.POLLIN)
    if data:
        poll.register(stdin, select.POLLOUT)
        left.add(stdin)
    else:
        os.close(stdin)
    end = time.monotonic() + timeout
    while left:
        ready = poll.poll(max(0, end - time.monotonic()) * 1000)
        if not ready and time.monotonic() >= end:
            os.kill(pid, signal.SIGKILL)
            for stream in left:
                os.close(stream)
            raise subprocess.TimeoutExpired(argv, timeout, *map(b"".join, said.values()))
        for stream, _ in ready:
            if stream == stdin:
                data = data[_write(stream, data) :]
                is_done = not data
            else:
                read = os.read(stream, 1 << 16)
                said[stream].append(read)
                is_done = not read
            if is_done:
                poll.unregister(stream)
                left.discard(stream)
                os.close(stream)
    return b"".join(said[stdout]), b"".join(said[stderr])


def _write(stream: int, data: bytes) -> int:
    try:
        return os.write(stream, data[: 1 << 16])
    except BlockingIOError:
        return 0
    except BrokenPipeError:
        return len(data)

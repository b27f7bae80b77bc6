"""A program that forks for each command of Jettison that it is asked for; see ``commands``.

In:  on the socket that is its standard input: arguments, environment and directory of a command,
     with its streams and a socket for the answer.
Out: there, the process, and its exit status later on.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import pkgutil
import select
import socket
import sys

import jettison
from jettison.__main__ import main
from jettison.cli.deferred import defer

MAX_REQUEST = 100_000
STREAMS = 3
_LEFT_OUT = ("jettison.sandbox.init", "jettison.report.html", "jettison.python")
"""Executed by themselves, or slow to load."""


def serve(connection: socket.socket) -> None:
    """Fork for each command that is asked for, until nobody can ask any more."""
    waiting: dict[int, tuple[int, socket.socket]] = {}
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    while True:
        for descriptor, _ in poll.poll():
            if descriptor in waiting:
                poll.unregister(descriptor)
                pid, answer = waiting.pop(descriptor)
                os.close(descriptor)
                _, status = os.waitpid(pid, 0)
                with answer, contextlib.suppress(BrokenPipeError):  # it was not waited for
                    answer.send(str(os.waitstatus_to_exitcode(status)).encode())
                continue
            request, passed, _, _ = socket.recv_fds(connection, MAX_REQUEST, STREAMS + 1)
            if not request:
                return
            answer = socket.socket(fileno=passed[STREAMS])
            pid = os.fork()  # noqa: TID251 - this program has one thread
            if pid == 0:
                for held, (_, other) in waiting.items():
                    os.close(held)
                    other.close()
                answer.close()
                connection.close()
                _become(*json.loads(request), passed[:STREAMS])
            for stream in passed[:STREAMS]:
                os.close(stream)
            with contextlib.suppress(BrokenPipeError):
                answer.send(str(pid).encode())
            waited = os.pidfd_open(pid)
            waiting[waited] = pid, answer
            poll.register(waited, select.POLLIN)


def _become(args: list[str], env: dict[str, str], cwd: str, streams: list[int]) -> None:
    """Be the command."""
    try:
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        os.environ.clear()
        os.environ.update(env)
        os.chdir(cwd)
        sys.argv[1:] = args
        # Who needs a namespace for ids starts the same command anew in it.
        sys.orig_argv = [sys.executable, "-m", "jettison", *args]
        main()
    except SystemExit as ended:
        os._exit(ended.code if isinstance(ended.code, int) else 1)
    except BaseException:  # noqa: BLE001 - as the interpreter itself does
        sys.excepthook(*sys.exc_info())
        sys.stderr.flush()
    os._exit(1)


def _load() -> None:
    """Load what commands load."""
    defer()  # before click is imported
    for module in pkgutil.walk_packages(jettison.__path__, "jettison."):
        if not module.name.startswith(_LEFT_OUT) and not module.name.endswith("__main__"):
            importlib.import_module(module.name)


if __name__ == "__main__":
    with socket.socket(fileno=os.dup(0)) as _asked:
        del sys.path[0]  # of the tests
        sys.argv[:] = ["jettison"]
        _load()
        gc.collect()
        gc.freeze()
        serve(_asked)

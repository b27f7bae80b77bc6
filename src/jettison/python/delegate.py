"""Has a worker do a job, when this process may not.

In:  a job, a sink.
Out: what the worker's process found; its errors are raised here.

Concurrency: any thread may; it waits until the worker has ended.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from jettison.errors import HostError
from jettison.events import Sink
from jettison.python.channel import Channel
from jettison.python.job import Done, Failed, Job, Reply

_BOOT = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[3]); "
    "from jettison.python.worker import main; main()"
)
_STANDARD = 3
_PATIENCE_SECONDS = 30


def delegate(job: Job, sink: Sink, environ: Mapping[str, str], *, single_id: bool) -> Done:
    """Return what a job leads to in a user namespace.

    Args:
        job: What is to be done.
        sink: Gets the worker's events, in this thread.
        environ: Of the worker.
        single_id: A namespace with a single id is wanted.

    Raises:
        HostError: the worker cannot be started, or was killed.
        JettisonError: what the job raised.
    """
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            process = _start(job, theirs.fileno(), environ, single_id=single_id)
        try:
            reply = _listen(job, Channel(ours), sink)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                _interrupt(process)
            process.kill()
            process.wait()
            raise
    status = process.wait()
    if isinstance(reply, Failed):
        raise reply.error()
    if reply is None:
        how = f"signal {-status}" if status < 0 else f"exit status {status}"
        raise HostError(f"the process in the user namespace ended without an answer: {how}")
    return reply


def _start(
    job: Job, descriptor: int, environ: Mapping[str, str], *, single_id: bool
) -> subprocess.Popen[bytes]:
    paths = [str(Path(__file__).resolve().parents[2]), *(os.path.abspath(p) for p in sys.path)]
    attached = job.run is not None and job.run.interactive and not job.pull
    argv = [
        sys.executable,
        "-I",
        "-c",
        _BOOT,
        str(descriptor),
        str(int(single_id)),
        json.dumps(paths),
    ]
    try:
        return subprocess.Popen(
            argv,
            stdin=None if attached and job.streams[0] == 0 else subprocess.DEVNULL,
            env=dict(environ),
            pass_fds=[descriptor, *(each for each in job.streams if each >= _STANDARD)],
            # Ctrl-C comes by way of this process, but for one who reads from the terminal.
            process_group=None if attached else 0,
        )
    except OSError as error:
        raise HostError(f"cannot start `{sys.executable}`: {error.strerror}") from error


def _listen(job: Job, channel: Channel, sink: Sink) -> Done | Failed | None:
    """Return the last message; None where the worker ended before."""
    channel.send(job)
    for reply in channel.receive(Reply):
        if isinstance(reply, Done | Failed):
            return reply
        sink(reply)
    return None


def _interrupt(process: subprocess.Popen[bytes]) -> None:
    """Let the worker stop what runs, in its own time."""
    process.send_signal(signal.SIGINT)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_PATIENCE_SECONDS)

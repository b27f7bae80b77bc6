"""The worker: does a job as root of a user namespace, for a process that cannot enter one.

In:  ``argv``: the descriptor of a socket, 1 where a namespace with a single id is wanted.
Out: events, then a result or an error, on the socket.

A process with threads, such as a notebook's, cannot enter a user namespace, and one with state
cannot be replaced. So another process does.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import threading
import time

from jettison.api.session import Session
from jettison.console.message import unexpected_error
from jettison.errors import JettisonError
from jettison.events import Event, Warned
from jettison.linux import userns
from jettison.linux.process import die_with_parent
from jettison.python.channel import Channel
from jettison.python.job import Done, Failed, Job


def main() -> None:
    """Do one job; the process ends with it."""
    connection = socket.socket(fileno=int(sys.argv[1]))
    channel = Channel(connection)
    try:
        userns.enter(single_id=sys.argv[2] == "1")  # starts this program again
        connection.set_inheritable(False)  # containers must not speak for this process
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        die_with_parent(signal.SIGTERM)
        channel.send(_do(next(channel.receive(Job)), channel))
    except JettisonError as error:
        _fail(channel, error)
    except (KeyboardInterrupt, StopIteration):  # or nobody wants anything any more
        sys.exit(128 + signal.SIGINT)
    except Exception as error:  # noqa: BLE001 - raised on the other side
        _fail(channel, unexpected_error(error))


def _fail(channel: Channel, error: JettisonError) -> None:
    with contextlib.suppress(OSError):  # nobody listens any more
        channel.send(Failed.of(error))


def _do(job: Job, channel: Channel) -> Done:
    lock = threading.Lock()

    def tell(event: Event) -> None:
        with lock:
            channel.send(event)

    for descriptor in job.streams:
        if descriptor > 2:
            os.set_inheritable(descriptor, False)
    with Session.open(job.settings, os.environ) as session:
        if job.build is not None:
            from jettison.api.build import build  # one of two

            return Done(build(session, job.build, tell))
        if job.run is None:
            return Done()
        from jettison.api.run import pull_image, run_container  # one of two

        if job.pull:
            pull_image(session, job.run, tell)
            return Done()
        code = run_container(
            session, job.run, lambda text: tell(Warned(time.time_ns(), text)), streams=job.streams
        )
        return Done(exit_code=code)

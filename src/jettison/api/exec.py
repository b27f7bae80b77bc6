"""``exec``: another process in a container that runs.

In:  a session, a name or ID, the process, what of the caller it gets.
Out: its exit code.

The process that keeps the container running starts it; this one moves bytes between its streams
and the caller's, so that a container never gets a descriptor of the caller's.
"""

from __future__ import annotations

import contextlib
import os

import msgspec

from jettison.api.containers import find_container
from jettison.api.session import Session
from jettison.container.attach import Attached, Pipes, Terminal
from jettison.container.foreground import Attachment, passing_signals
from jettison.container.state.protocol import Connection, Ended, Execute, Signal, connect
from jettison.errors import ContainerError, UsageError


class _Process:
    """A process in a container, seen through its connection."""

    def __init__(self, link: Connection) -> None:
        self._link = link

    def signal(self, number: int) -> None:
        with contextlib.suppress(OSError):  # it has ended
            self._link.send(Signal(number))

    def kill(self) -> None:
        self.signal(9)

    def wait(self) -> int:
        """Return its exit code.

        Raises:
            ContainerError: it could not be started, or the container was killed meanwhile.
        """
        while True:
            answer, _ = self._link.answer()
            if isinstance(answer, Ended):
                return answer.exit_code
            if answer is None:
                raise ContainerError("the container was killed")


def execute(session: Session, text: str, wanted: Execute, attachment: Attachment) -> int:
    """Run another process in a container and wait for it.

    Args:
        session: The store.
        text: Name or ID.
        wanted: The process.
        attachment: What of the caller it gets.

    Raises:
        UsageError: a terminal and standard input are wanted, but that is no terminal.
        ContainerError: there is no such container, it does not run, or cannot be entered.
    """
    stdin = attachment.stdin if attachment.interactive else -1
    attached: Pipes | Terminal
    if not wanted.terminal:
        attached = Pipes(stdin, attachment.stdout, attachment.stderr)
    elif stdin >= 0 and not os.isatty(stdin):
        raise UsageError(
            "standard input is not a terminal",
            hint="leave out `-t`, or call it from a terminal",
        )
    else:
        attached = Terminal(stdin, attachment.stdout)
        rows, columns = attached.size or (wanted.rows, wanted.columns)
        wanted = msgspec.structs.replace(wanted, rows=rows, columns=columns)
    with attached, _connected(session, text) as link:
        return attached.finish(_follow(link, wanted, attached))


def execute_detached(session: Session, text: str, wanted: Execute) -> int:
    """Start another process in a container, which is not waited for.

    Returns:
        0, or 126 or 127 when it could not be executed or found.

    Raises:
        ContainerError: as ``execute``.
    """
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    try:
        with _connected(session, text) as link:
            link.send(wanted, (null, null, null))
            answer, _ = link.answer()
    finally:
        os.close(null)
    return answer.exit_code if isinstance(answer, Ended) else 0


def _follow(link: Connection, wanted: Execute, attached: Attached) -> int:
    process = _Process(link)
    streams = attached.streams
    link.send(wanted, (streams.stdin, streams.stdout, streams.stderr))
    with passing_signals(process, attached.resize):
        attached.begin(process.kill)
        return process.wait()


def _connected(session: Session, text: str) -> Connection:
    """Return a connection to whoever keeps a container running.

    Raises:
        ContainerError: there is no such container, or it does not run.
    """
    container = find_container(session, text)
    link = connect(container.directory.path)
    if link is None:
        raise ContainerError(
            f"container {container.record.id} is not running",
            hint=f"start it: `jettison start {text}`",
        )
    return link

"""Keeps the record of a container while it runs: log, state, control socket.

In:  a container's directory, what runs in it.
Out: files of the directory that others read; answers to others.

Concurrency: ``output`` is called in threads of the streams, the rest in that of the run.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable

import msgspec

from jettison.container.state.directory import ContainerDirectory
from jettison.container.state.log import LogWriter
from jettison.container.state.record import NEW, Status
from jettison.container.state.server import ControlServer, Input, Join
from jettison.sandbox.base import Running

_NOT_STARTED = frozenset({126, 127})
_SAID_BYTES = 1 << 12
_FAILED = 128


class ContainerKeeper:
    """Takes part in one run of a container; ``container.foreground.Keeper``.

    Args:
        directory: The container's; its lock is held by the caller.
        on_start: Called when it runs, and its state says so.
        logs: Whether what it writes is kept. To read it costs more than to have the kernel pass
            it on, which is spared where somebody sees it and the container does not stay.
    """

    def __init__(
        self, directory: ContainerDirectory, on_start: Callable[[], None], *, logs: bool = True
    ) -> None:
        self.logs = logs
        self._directory = directory
        self._on_start = on_start
        self._state = msgspec.structs.replace(NEW, logged=logs)
        self._log = LogWriter(directory.log)
        self._join: Join | None = None
        self._said = b""
        self._server: ControlServer | None = None

    def prepare(self, sandbox: str, network: str, join: Join) -> None:
        """Take what is known of a run before it starts.

        Args:
            sandbox: Name of the driver.
            network: Whose network it has.
            join: Runs other processes in the container.
        """
        self._state = msgspec.structs.replace(self._state, sandbox=sandbox, network=network)
        self._join = join

    def output(self, stream: int, data: bytes) -> None:
        """Keep what the container writes."""
        if self._state.status is Status.CREATED and len(self._said) < _SAID_BYTES:
            self._said += data  # why it cannot be started, perhaps
        self._log.write(stream, data)

    def started(self, running: Running, given: Input) -> None:
        """Say that the container runs, once its program does."""
        assert self._join is not None  # noqa: S101 - it was prepared
        self._server = ControlServer(self._directory.path, running, self._join, given)
        self._server.__enter__()
        started_ns = time.time_ns()
        if running.begin():
            self._state = msgspec.structs.replace(
                self._state, status=Status.RUNNING, pid=os.getpid(), started_ns=started_ns
            )
            self._directory.write_state(self._state)
            self._on_start()

    def ended(self, code: int) -> str:
        """Say that it has ended: everything of it is gone.

        Returns:
            Why its program could not be executed, if that was so.
        """
        problem = ""
        status = Status.EXITED
        if self._state.status is Status.CREATED and code in _NOT_STARTED:
            status = Status.CREATED
            problem = self._said.decode(errors="replace").strip()
        self._finish(status, code, problem)
        return problem

    def failed(self, problem: str) -> None:
        """Say that it could not be set up, or followed to its end, and why."""
        running = self._state.status is Status.RUNNING
        status = Status.EXITED if running else Status.CREATED
        self._finish(status, _FAILED, problem)

    def _finish(self, status: Status, code: int, problem: str) -> None:
        state = msgspec.structs.replace(
            self._state,
            status=status,
            pid=0,
            finished_ns=time.time_ns() if status is Status.EXITED else 0,
            exit_code=code,
            error=problem,
        )
        with contextlib.suppress(FileNotFoundError):
            self._directory.write_state(state)
        self._log.close()
        if self._server is not None:
            self._server.say_ended(code)
            self._server.__exit__()

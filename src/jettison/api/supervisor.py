"""The process that keeps one container running in the background, until it ends.

In:  ``argv``: descriptor of a pipe, where modules are, the store, the container's ID.
Out: how the start went, on the pipe; then what ``api.supervise`` does.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from pathlib import Path

from jettison.api.detach import Started
from jettison.api.session import Session
from jettison.api.supervise import supervise
from jettison.console.message import unexpected_error
from jettison.container.foreground import Attachment
from jettison.container.request import RunRequest
from jettison.container.state.catalog import Catalog, Container
from jettison.container.state.directory import ContainerDirectory
from jettison.container.state.document import encode
from jettison.errors import JettisonError
from jettison.settings import load_settings


class _Report:
    """What is said to whoever waits for the start, once."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        os.set_inheritable(descriptor, False)
        self.warnings: list[str] = []

    def say(self, started: Started) -> None:
        if self._descriptor >= 0:
            with contextlib.suppress(OSError):  # nobody waits any more
                os.write(self._descriptor, encode(started))
            os.close(self._descriptor)
            self._descriptor = -1

    def say_started(self) -> None:
        self.say(Started(warnings=tuple(self.warnings)))


def main() -> None:
    """Keep one container running; the process ends with it."""
    report = _Report(int(sys.argv[1]))
    try:
        _keep(Path(sys.argv[3]), sys.argv[4], report)
    except JettisonError as error:
        report.say(_failed(error))
    except Exception as error:  # noqa: BLE001 - it is said where somebody waits
        report.say(_failed(unexpected_error(error)))


def _keep(root: Path, container_id: str, report: _Report) -> None:
    directory = ContainerDirectory(root / "containers" / container_id)
    record = directory.record()
    settings = load_settings(
        os.environ,
        root=str(root),
        isolation=record.isolation,
        snapshotter=record.snapshotter,
        ca_bundle=record.ca_bundle,
    )
    with Session.open(settings, os.environ) as session:

        def started() -> None:
            session.store.database.close()  # opened again when it is needed
            gc.collect()
            report.say_started()

        container = Container(directory, record)
        try:
            run = supervise(
                session, container, _attachment(record.request), report.warnings.append, started
            )
        finally:
            if record.request.remove:
                Catalog(session.store).remove(container)
        if run.problem:
            message = f"unable to start container process: {run.problem}"
            report.say(Started("ContainerError", message, status=run.code))
        report.say_started()


def _attachment(request: RunRequest) -> Attachment:
    """Return what stands in for a caller: nobody reads, and input never comes nor ends."""
    if not request.interactive or request.terminal:
        return Attachment(interactive=False, stdin=-1, stdout=-1, stderr=-1)
    reading, _writing = os.pipe2(os.O_CLOEXEC)
    return Attachment(interactive=True, stdin=reading, stdout=-1, stderr=-1)


def _failed(error: JettisonError) -> Started:
    return Started(type(error).__name__, error.message, error.hint)

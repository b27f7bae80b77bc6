"""Starts a container in the background: a process of its own keeps it running.

In:  a session, a container of the store.
Out: the container runs, or an error says why not.

That process is in a session of its own, so that no terminal ends it, has no descriptor of this one
but a pipe on which it says how the start went, and its own name in the store (``api.supervisor``).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec

from jettison import errors
from jettison.api.session import Session
from jettison.container.state.catalog import Container
from jettison.container.state.document import decode
from jettison.errors import ContainerError, HostError, JettisonError

_BOOT = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[2]); "
    "from jettison.api.supervisor import main; main()"
)


class Started(msgspec.Struct, frozen=True):
    """How the start of a container went.

    Args:
        error: Name of the class of what went wrong; empty when it runs.
        message, hint: What the user reads.
        status: Exit status of a program that could not be executed, or 0.
        warnings: What is otherwise than asked.
    """

    error: str = ""
    message: str = ""
    hint: str | None = None
    status: int = 0
    warnings: tuple[str, ...] = ()


class NotExecuted(ContainerError):  # noqa: N818 - its program is what failed
    """The program of a container was not found, or cannot be executed; ``status`` is 126 or 127."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def start_detached(session: Session, container: Container) -> tuple[str, ...]:
    """Start a container and return when it runs.

    Args:
        session: The store; the container's process opens it again.
        container: It; must not run.

    Returns:
        What is otherwise than asked.

    Raises:
        NamespaceRequired: the process may not do that as it is.
        NotExecuted: its program was not found, or cannot be executed.
        JettisonError: it cannot be set up; see ``errors``.
    """
    session.require_namespace(container.record.isolation)
    reading, writing = os.pipe2(os.O_CLOEXEC)
    paths = [str(Path(__file__).resolve().parents[2]), *map(os.path.abspath, sys.path)]
    argv = [sys.executable, "-I", "-S", "-c", _BOOT, str(writing), json.dumps(paths)]
    argv += [os.fspath(session.store.root), container.record.id]
    try:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[writing],
            cwd="/",
            env=dict(session.environ),
            start_new_session=True,
        )
    except OSError as error:
        os.close(reading)
        raise HostError(f"cannot start `{sys.executable}`: {error.strerror}") from error
    finally:
        os.close(writing)
    with open(reading, "rb") as file:
        data = file.read()
    if not data:
        status = process.wait()
        raise HostError(f"the process that keeps the container running ended: status {status}")
    process.returncode = 0  # nobody waits for it
    started = decode(data, Started)
    if started.error:
        raise _raised(started)
    return started.warnings


def _raised(started: Started) -> JettisonError:
    if started.status:
        return NotExecuted(started.message, started.status)
    kind = getattr(errors, started.error, None)
    if not isinstance(kind, type) or not issubclass(kind, JettisonError):
        kind = JettisonError
    return kind(started.message, hint=started.hint)

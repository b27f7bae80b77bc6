"""Runs a container until it ends: streams, terminal, signals.

In:  a driver, a spec, what the user wants attached.
Out: the exit code.

Concurrency: signals are passed on when called from the main thread, where handlers can be set; a
thread does it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
from collections.abc import Callable, Collection, Iterator
from typing import Protocol

import msgspec

from jettison.container.attach import Attached, Pipes, Terminal
from jettison.errors import UsageError
from jettison.sandbox.base import Running, Sandbox
from jettison.sandbox.spec import SandboxSpec

FORWARDED = (
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGCONT,
)
_ENDING = (signal.SIGINT, signal.SIGTERM)
_PATIENCE = 3
_MOST_SIGNALS = 4096


class Attachment(msgspec.Struct, frozen=True):
    """What of the caller a container gets.

    Args:
        interactive: Standard input; otherwise it is empty.
        stdin, stdout, stderr: Descriptors of the caller; -1 for none.
    """

    interactive: bool = False
    stdin: int = 0
    stdout: int = 1
    stderr: int = 2


class Signalled(Protocol):
    """A process that gets signals."""

    def signal(self, number: int) -> None:
        """Send a signal."""
        ...

    def kill(self) -> None:
        """End it at once."""
        ...


class Keeper(Protocol):
    """Takes part in a container's run: what it writes, if it ``logs`` that, when it has started."""

    @property
    def logs(self) -> bool:
        """See the class."""
        ...

    def output(self, stream: int, data: bytes) -> None:
        """Take what the container writes, with 1 for standard output and 2 for standard error."""
        ...

    def started(self, running: Running, attached: Attached) -> None:
        """Take the container, whose streams flow; may wait for its program."""
        ...


def run_attached(
    sandbox: Sandbox,
    spec: SandboxSpec,
    attachment: Attachment,
    warn: Callable[[str], None] = lambda _: None,
    keeper: Keeper | None = None,
) -> int:
    """Run a container until it ends; return its exit code.

    Args:
        sandbox: The driver.
        spec: The container.
        attachment: What of the caller it gets.
        warn: Called with what it lacked.
        keeper: Takes part in it.

    A third SIGINT or SIGTERM kills the container, since process 1 may ignore them.

    Raises:
        UsageError: a terminal and standard input are wanted, but that is no terminal.
        HostError: what it wrote could not be passed on.
        SandboxUnavailableError: the container could not be set up.
    """
    stdin = attachment.stdin if attachment.interactive else -1
    attached: Pipes | Terminal
    tap = keeper.output if keeper is not None and keeper.logs else None
    if not spec.terminal:
        attached = Pipes(stdin, attachment.stdout, attachment.stderr, tap)
    elif stdin >= 0 and not os.isatty(stdin):
        raise UsageError(
            "standard input is not a terminal",
            hint="Leave out `-t`, or call it from a terminal.",
        )
    else:
        attached = Terminal(stdin, attachment.stdout, tap)
        size = attached.size or spec.terminal_size
        spec = msgspec.structs.replace(spec, terminal_size=size)
    with attached:
        running = sandbox.start(spec, attached.streams)
        with passing_signals(running, attached.resize):
            attached.begin(running.kill)
            if keeper is not None:
                keeper.started(running, attached)
            code = running.wait()
        if running.lacked_pids:
            warn("the container had as many processes as it may have: see `--pids-limit`")
        return attached.finish(code)


@contextlib.contextmanager
def passing_signals(
    running: Signalled, resize: Callable[[], None], numbers: Collection[int] = FORWARDED
) -> Iterator[None]:
    """Pass signals of this process on to one in a container while the block runs.

    Args:
        running: It.
        resize: Called when the user's terminal has another size.
        numbers: The signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    woken, waker = socket.socketpair()
    waker.setblocking(False)
    thread = threading.Thread(
        target=_pass_on, args=(woken, running, resize, frozenset(numbers)), name="signals",
        daemon=True,
    )  # fmt: skip
    before = {number: signal.signal(number, _noted) for number in (*numbers, signal.SIGWINCH)}
    waking = signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
    try:
        thread.start()
        yield
    finally:
        signal.set_wakeup_fd(waking)
        for number, handler in before.items():
            signal.signal(number, handler)
        waker.close()
        if thread.ident is not None:
            thread.join()
        woken.close()


def _noted(_number: int, _frame: object) -> None:
    """Do nothing: the number of the signal is on its way to a thread by now."""


def _pass_on(
    woken: socket.socket,
    running: Signalled,
    resize: Callable[[], None],
    numbers: Collection[int],
) -> None:
    """Pass on signals by the numbers that are read.

    Handlers in Python run in the main thread, which waits for the container: of a signal that comes
    just before it does, or to another thread, they would learn when the container has ended.
    """
    asked = 0
    while data := woken.recv(_MOST_SIGNALS):
        for number in data:
            if number == signal.SIGWINCH:
                resize()
            elif number in numbers:
                asked += number in _ENDING
                if asked >= _PATIENCE:
                    running.kill()
                else:
                    running.signal(number)

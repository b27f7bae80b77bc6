"""``attach``, and ``start -a``: a container in the background, seen as one in the foreground.

In:  a session, a name or ID, streams of the caller.
Out: what the container writes; its exit code, or the news that the user has detached.

What it writes comes from its log, so that who looks on slowly does not hold it up. What is typed
goes to its input directly: whoever keeps it running gives a descriptor of that.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Self

import msgspec

from jettison.api.containers import find_container, kill, start, watched
from jettison.api.session import Session
from jettison.container.foreground import FORWARDED, passing_signals
from jettison.container.pump import write_all
from jettison.container.state.catalog import Container
from jettison.container.state.keyboard import Keyboard
from jettison.container.state.log import LogReader
from jettison.container.state.protocol import Connection, Ended
from jettison.errors import ContainerError, JettisonError, UsageError
from jettison.linux import inotify
from jettison.linux.poll import readable


class Looking(msgspec.Struct, frozen=True):
    """How somebody looks at a container.

    Args:
        keys: What detaches, as bytes.
        stdin, stdout, stderr: Descriptors of the caller; an input of -1 is none.
        passes_signals: Signals of this process go to the container, unless that has a terminal.
    """

    keys: bytes
    stdin: int = 0
    stdout: int = 1
    stderr: int = 2
    passes_signals: bool = True


def attach(session: Session, text: str, looking: Looking) -> int | None:
    """Show what a container writes from now on, and give it what is typed, until it ends.

    Args:
        session: The store.
        text: Name or ID.
        looking: Who looks on.

    Returns:
        The container's exit code; None when the user has detached.

    Raises:
        ContainerError: there is no such container, it does not run, or keeps no log.
        UsageError: it has a terminal, and standard input is none.
    """
    container = find_container(session, text)
    with _View(container) as view:
        view.skip()
        link = watched(container)
        if link is None:
            raise ContainerError(
                "You cannot attach to a stopped container, start it first",
                hint=f"`jettison start -a {text}` does both",
            )
        if (
            container.record.request.terminal
            and looking.stdin >= 0
            and not os.isatty(looking.stdin)
        ):
            link.close()
            raise UsageError(
                "the input device is not a TTY", hint="use `--no-stdin`, or call it from a terminal"
            )
        with link:
            return _follow(session, view, link, looking)


def start_attached(
    session: Session, text: str, looking: Looking, warn: Callable[[str], None]
) -> int | None:
    """Start a container and attach to it, so that nothing of what it writes is missed.

    One that runs already is attached to.

    Args:
        session: The store.
        text: Name or ID.
        looking: Who looks on.
        warn: Gets what is otherwise than asked.

    Returns:
        As ``attach``.

    Raises:
        JettisonError: as ``attach`` and ``containers.start``.
    """
    container = find_container(session, text)
    session.require_namespace(container.record.isolation)
    with _View(container) as view:
        view.skip()
        for warning in start(session, container.record.id):
            warn(warning)
        link = watched(container)
        if link is None:  # it was short
            view.show(looking)
            return container.state().exit_code
        with link:
            return _follow(session, view, link, looking)


class _View:
    """What a container writes; a context manager."""

    def __init__(self, container: Container) -> None:
        if not container.state().logged:
            raise ContainerError(
                f"container {container.record.short_id} has no log: it runs in the foreground and "
                "does not stay",
                hint="look where it was run, or run it without `--rm`",
            )
        self.container = container

    def __enter__(self) -> Self:
        self.changes = inotify.watch(self.container.directory.path)
        self._reader = LogReader(self.container.directory.log)
        return self

    def __exit__(self, *_: object) -> None:
        self._reader.close()
        os.close(self.changes)

    def skip(self) -> None:
        """Leave out what there is so far."""
        for _ in self._reader.read():
            continue

    def show(self, looking: Looking) -> None:
        """Pass on what there is by now."""
        inotify.clear(self.changes)
        for entry in self._reader.read():
            write_all(looking.stderr if entry.stream == 2 else looking.stdout, entry.data)


def _follow(session: Session, view: _View, link: Connection, looking: Looking) -> int | None:
    container = view.container
    with ExitStack() as stack:
        streams = (looking.stdin, looking.stdout)
        keyboard = stack.enter_context(Keyboard(container, looking.keys, *streams))
        stack.enter_context(_signals(session, container, looking, keyboard.resize))
        while True:
            ready = readable([link.fileno(), view.changes, keyboard.detached])
            view.show(looking)
            if keyboard.detached in ready:
                return None
            if link.fileno() in ready:
                answer, _ = link.answer()
                return (
                    answer.exit_code if isinstance(answer, Ended) else container.state().exit_code
                )


class _Remote:
    """A container that gets signals."""

    def __init__(self, session: Session, container: Container) -> None:
        self._session = session
        self._id = container.record.id

    def signal(self, number: int) -> None:
        with contextlib.suppress(JettisonError):  # it has ended
            kill(self._session, self._id, number)

    def kill(self) -> None:
        self.signal(9)


@contextmanager
def _signals(
    session: Session, container: Container, looking: Looking, resize: Callable[[], None]
) -> Iterator[None]:
    passes = looking.passes_signals and not container.record.request.terminal
    numbers = FORWARDED if passes else ()
    with passing_signals(_Remote(session, container), resize, numbers):
        yield

"""What every rendering of events is, and which one suits.

In:  events, from any thread.
Out: text on standard error (JSON lines too), until ``close``.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Protocol, TextIO

from jettison.events import Event


class Console(Protocol):
    """A rendering; call it with each event."""

    def __call__(self, event: Event) -> None:
        """Take an event."""
        ...

    def close(self) -> None:
        """Draw what is left and stop drawing."""
        ...


class QuietConsole:
    """Shows nothing."""

    def __call__(self, event: Event) -> None:
        """Drop an event."""

    def close(self) -> None:
        """Do nothing."""


class HeldBack:
    """Keeps events until it is known that this process does the work: then shows them.

    A process that must be started again in a user namespace would else show everything twice.

    Args:
        progress: Value of ``--progress``.
        environ: Of this process.
    """

    def __init__(self, progress: str, environ: Mapping[str, str]) -> None:
        self._progress = progress
        self._environ = environ
        self._events: list[Event] = []

    def __call__(self, event: Event) -> None:
        """Keep an event."""
        self._events.append(event)

    def close(self) -> None:
        """Show all events."""
        console = make_console(self._progress, self._environ)
        for event in self._events:
            console(event)
        console.close()


def make_console(
    progress: str, environ: Mapping[str, str], stream: TextIO | None = None
) -> Console:
    """Return the rendering of ``--progress``; ``auto`` is live on a terminal, plain on a pipe."""
    stream = stream or sys.stderr
    if progress == "auto":
        live = stream.isatty() and environ.get("TERM", "") not in {"", "dumb"}
        progress = "tty" if live else "plain"
    if progress == "quiet":
        return QuietConsole()
    if progress == "tty":
        from jettison.console.live import LiveConsole

        return LiveConsole(stream)
    if progress == "rawjson":
        from jettison.console.rawjson import RawJsonConsole

        return RawJsonConsole(stream)
    from jettison.console.plain import PlainConsole

    return PlainConsole(stream)

"""What every rendering of events is.

In:  events, from any thread.
Out: text on standard error (JSON lines too), until ``close``.
"""

from __future__ import annotations

from typing import Protocol

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

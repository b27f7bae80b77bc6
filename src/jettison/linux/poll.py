"""Waiting for one of several descriptors.

In:  descriptors, a time.
Out: those that have something to read, or whose other side is closed.
"""

from __future__ import annotations

import select
from collections.abc import Iterable


def readable(descriptors: Iterable[int], seconds: float | None = None) -> set[int]:
    """Wait; return those that are readable, none when the time is over.

    Args:
        descriptors: Of sockets, pipes, and the like.
        seconds: None waits without end.
    """
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    return {descriptor for descriptor, _ in poll.poll(None if seconds is None else seconds * 1000)}

"""``logs``: what a container has written, and what it writes.

In:  a session, a name or ID, from when on and how much.
Out: entries of its log, as they come.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import ExitStack

from jettison.api.containers import find_container, watched
from jettison.api.session import Session
from jettison.container.state.log import Entry, LogReader, stamp_of
from jettison.errors import ContainerError
from jettison.linux import inotify
from jettison.linux.poll import readable


def read_log(
    session: Session,
    text: str,
    *,
    follow: bool = False,
    tail: int | None = None,
    since_ns: int = 0,
    until_ns: int | None = None,
) -> Iterator[Entry]:
    """Yield what a container has written, oldest first.

    Args:
        session: The store.
        text: Name or ID.
        follow: Go on until the container has ended.
        tail: Only the last so many lines of what there is; None is all.
        since_ns: Only what was written from then on, nanoseconds since the epoch.
        until_ns: Only what was written until then.

    Raises:
        ContainerError: there is no such container.
    """
    container = find_container(session, text)
    if not container.state().logged:
        raise ContainerError(
            f"container {container.record.short_id} has no log: it runs in the foreground and "
            "does not stay",
            hint="look where it was run, or run it without `--rm`",
        )
    first = stamp_of(since_ns)
    last = None if until_ns is None else stamp_of(until_ns)

    def wanted(entries: Iterable[Entry]) -> Iterator[Entry]:
        for entry in entries:
            if entry.stamp >= first and (last is None or entry.stamp <= last):
                yield entry

    with ExitStack() as stack:
        link = watched(container) if follow else None
        changes = -1
        if link is not None:
            stack.enter_context(link)
            changes = inotify.watch(container.directory.path)
            stack.callback(os.close, changes)
        reader = LogReader(container.directory.log)
        stack.callback(reader.close)
        yield from _last(wanted(reader.read()), tail)
        while link is not None:
            ended = link.fileno() in readable([link.fileno(), changes])
            inotify.clear(changes)
            yield from wanted(reader.read())
            if ended:
                return


def _last(entries: Iterable[Entry], count: int | None) -> Iterable[Entry]:
    """Return the last lines; pieces of a line count as one."""
    if count is None:
        return entries
    lines: deque[list[Entry]] = deque(maxlen=count)
    open_lines: dict[int, list[Entry]] = {}
    for entry in entries:
        line = open_lines.get(entry.stream)
        if line is None:
            line = open_lines[entry.stream] = []
            lines.append(line)
        line.append(entry)
        if entry.data.endswith(b"\n"):
            del open_lines[entry.stream]
    return [entry for line in lines for entry in line]

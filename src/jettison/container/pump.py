"""Moves bytes from one descriptor to another, in a thread, until there are no more.

In:  a source and a sink; pipes, files, sockets, terminals.
Out: all bytes of the source, or the reason why the sink takes no more.

Between pipes and files the kernel moves the pages (splice(2)); elsewhere they are copied.

Concurrency: a thread of its own; ``stop`` ends it from another one.
"""

from __future__ import annotations

import errno
import os
import select
import threading
from collections.abc import Callable

_CHUNK = 1 << 20
_TAPPED = 1 << 16  # what is held in memory
_CANNOT_SPLICE = frozenset({errno.EINVAL, errno.ENOSYS, errno.EPERM, errno.ESPIPE})


class Pump:
    """One direction.

    Args:
        source: Is read to its end, or until it is stopped.
        sink: Gets the bytes; -1 is nowhere.
        rest: Whether what the source still has is moved after ``stop``.
        ended: Called in the thread when nothing more is moved; with the error of the sink.
        tap: Gets the bytes, too, before the sink does.
    """

    def __init__(
        self,
        source: int,
        sink: int,
        *,
        rest: bool,
        ended: Callable[[OSError | None], None],
        tap: Callable[[bytes], None] | None = None,
    ) -> None:
        self._source = source
        self._sink = sink
        self._rest = rest
        self._ended = ended
        self._tap = tap
        self._splices = tap is None
        self._stop, self._stopping = os.pipe()
        self._thread = threading.Thread(target=self._run, name="pump", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Move only what is there already, from now on."""
        if self._stopping >= 0:
            os.close(self._stopping)
            self._stopping = -1

    def join(self) -> None:
        """Wait until nothing more is moved."""
        self._thread.join()
        self.stop()
        os.close(self._stop)

    def _run(self) -> None:
        problem: OSError | None = None
        try:
            self._pump()
        except OSError as error:
            problem = error
        self._ended(problem)

    def _pump(self) -> None:
        poll = select.poll()
        poll.register(self._source, select.POLLIN)
        poll.register(self._stop, 0)
        patience: int | None = None
        while True:
            ready = {descriptor for descriptor, _ in poll.poll(patience)}
            if self._stop in ready:
                if not self._rest:
                    return
                poll.unregister(self._stop)
                patience = 0  # a process that nobody waits for could hold the source open
            if self._source in ready:
                if not self._move():
                    return
            elif patience == 0 and self._stop not in ready:
                return

    def _move(self) -> bool:
        """Move what is there; return False at the end of the source.

        Raises:
            OSError: the sink takes nothing more.
        """
        if self._splices:
            try:
                return os.splice(self._source, self._sink, _CHUNK) > 0
            except BlockingIOError:
                _wait(self._sink)
                return True
            except OSError as error:
                if error.errno not in _CANNOT_SPLICE:
                    raise
                self._splices = False
        try:
            data = os.read(self._source, _CHUNK if self._tap is None else _TAPPED)
        except BlockingIOError:
            return True
        except OSError:  # the other side of a terminal is closed
            return False
        if self._tap is not None and data:
            self._tap(data)
        if self._sink >= 0:
            write_all(self._sink, data)
        return bool(data)


def write_all(sink: int, data: bytes) -> None:
    """Write all bytes, also to a descriptor that does not block.

    Raises:
        OSError: it takes no more.
    """
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(sink, view) :]
        except BlockingIOError:
            _wait(sink)


def _wait(sink: int) -> None:
    poll = select.poll()
    poll.register(sink, select.POLLOUT)
    poll.poll()

"""What the process of a RUN writes: masked, bounded, passed on while it runs.

In:  two pipes, whose write ends the process gets.
Out: events, and the end of the output for an error message.

Concurrency: a thread of its own reads, so that the caller can wait for the process. It ends when
all writers are gone, which the end of a container is.
"""

from __future__ import annotations

import os
import selectors
import threading
from collections.abc import Callable

from jettison.plan.vertex import Vertex
from jettison.solver.runtime import Runtime

_READ_BYTES = 1 << 16
_TAIL_BYTES = 1 << 16
_CLIPPED = b"\n[output clipped after %s: show more with `--step-log-size`, all of it with 0]\n"


class StepOutput:
    """The output of one process.

    Args:
        runtime: Its sink gets the output; its options say how much of it is shown.
        vertex: Whose output it is.
    """

    def __init__(self, runtime: Runtime, vertex: Vertex) -> None:
        self._runtime = runtime
        self._vertex = vertex
        self._limit = runtime.drivers.options.log_bytes
        self._shown = 0
        self._tail = bytearray()
        self._failure: BaseException | None = None
        self._readers: dict[int, int] = {}
        self.stdout = self._pipe(1)
        self.stderr = self._pipe(2)
        self._thread: threading.Thread | None = None

    def start(self, stop: Callable[[], None]) -> None:
        """Begin to read, after the process was given the write ends: they are closed here.

        Args:
            stop: Called when the output cannot be passed on: nobody would read it any more.
        """
        self.close_writers()
        self._thread = threading.Thread(target=self._read, args=(stop,), daemon=True)
        self._thread.start()

    def finish(self) -> bytes:
        """Wait until everything was passed on; return the end of it, masked.

        Raises:
            BaseException: whatever passing on raised.
        """
        if self._thread is not None:
            self._thread.join()
        if self._failure is not None:
            raise self._failure
        return bytes(self._tail)

    def close_writers(self) -> None:
        """Close the write ends of this process."""
        for descriptor in (self.stdout, self.stderr):
            if descriptor >= 0:
                os.close(descriptor)
        self.stdout = self.stderr = -1

    def close(self) -> None:
        """Close everything; call it last."""
        self.close_writers()
        for descriptor in self._readers:
            os.close(descriptor)
        self._readers = {}

    def _pipe(self, stream: int) -> int:
        reader, writer = os.pipe()
        self._readers[reader] = stream
        return writer

    def _read(self, stop: Callable[[], None]) -> None:
        try:
            self._pass_on()
        except BaseException as error:  # noqa: BLE001 - raised again by finish
            self._failure = error
            stop()

    def _pass_on(self) -> None:
        maskers = {descriptor: self._runtime.sink.masker() for descriptor in self._readers}
        with selectors.DefaultSelector() as selector:
            for descriptor in self._readers:
                selector.register(descriptor, selectors.EVENT_READ)
            while selector.get_map():
                for ready, _ in selector.select():
                    data = os.read(ready.fd, _READ_BYTES)
                    if data:
                        self._take(self._readers[ready.fd], maskers[ready.fd].feed(data))
                    else:
                        selector.unregister(ready.fd)
                        self._take(self._readers[ready.fd], maskers[ready.fd].finish())

    def _take(self, stream: int, data: bytes) -> None:
        if not data:
            return
        self._tail += data
        del self._tail[:-_TAIL_BYTES]
        if self._limit:
            left = self._limit - self._shown
            if left < 0:  # clipped already
                return
            if len(data) > left:
                data = data[:left] + _CLIPPED % _size(self._limit)
        self._shown += len(data)
        self._runtime.log(self._vertex, stream, data)


def _size(count: int) -> bytes:
    unit = next((u for u in (30, 20, 10) if count and not count % (1 << u)), 0)
    return b"%d %s" % (count >> unit, {30: b"GiB", 20: b"MiB", 10: b"KiB", 0: b"bytes"}[unit])

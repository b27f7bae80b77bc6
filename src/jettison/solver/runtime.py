"""The drivers of one solve, and what all its ops share."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator

from jettison.concurrency import Limiter, Once, Workers
from jettison.errors import JettisonError
from jettison.events import Event, Progress, Sink, VertexLog, VertexProgress, VertexWaiting
from jettison.fs.lock import FileLock
from jettison.oci.digest import Digest
from jettison.plan.vertex import Vertex
from jettison.sandbox.base import Sandbox
from jettison.snapshot.base import ActiveSnapshot, Change, LayerInfo
from jettison.solver.cancellation import Cancellation, CancelledError
from jettison.solver.drivers import Drivers
from jettison.solver.masking import MaskingSink
from jettison.solver.stacks import Stacks
from jettison.store.layer import LayerId


class Runtime:
    """The drivers of one solve and the small things that all ops share.

    Args:
        drivers: Who does the work.
        sink: Gets the events.
        jobs: RUN steps at the same time.
        name: What others who wait for this build call it.
    """

    def __init__(self, drivers: Drivers, *, sink: Sink, jobs: int, name: str = "") -> None:
        options = drivers.options
        self.drivers = drivers
        self._name = name
        self.stacks = Stacks(drivers.layer_store, drivers.layers)
        self.sink = MaskingSink(sink, [*options.secrets.values(), *options.passwords.values()])
        self.workers: Workers[Digest, None] = Workers()
        self.execs = Limiter(jobs)
        self._waited_ns: dict[Digest, int] = {}
        self.cancellation = Cancellation()
        self.renewed: Once[str, None] = Once()
        self._sandboxes: Once[str, Sandbox] = Once()
        self.copies_below: Callable[[Digest], list[LayerId]] = lambda _vertex: []
        self.lease: Callable[[Iterable[LayerId]], None] = lambda _layers: None

    def sandbox(self) -> Sandbox:
        """Return the driver that RUN steps use."""
        return self._sandboxes.get("", self.drivers.sandbox)

    @contextlib.contextmanager
    def warming(self) -> Iterator[None]:
        """Start what the first RUN step waits for while other steps run in the block.

        What fails here fails again in the step, and is reported there.
        """

        def warm() -> None:
            with contextlib.suppress(JettisonError, OSError):
                self.sandbox().warm()

        thread = threading.Thread(target=warm, name="warm", daemon=True)
        with contextlib.suppress(RuntimeError):  # the system gives no thread: nothing is lost
            thread.start()
        try:
            yield
        finally:
            if thread.ident is not None:
                thread.join()

    def commit(
        self,
        vertex: Vertex,
        active: ActiveSnapshot,
        change: Change,
    ) -> LayerInfo:
        """Make what a vertex changed a layer; see ``LayerStore.commit``."""
        commit = self.drivers.commit
        if commit is None:
            info = self.drivers.layer_store.commit(active, change)
        else:
            info = commit(
                vertex.digest, active, change, cancelled=lambda: self.cancellation.cancelled
            )
        self.stacks.note_clock(info)
        return info

    def find_previous(self, vertex: Vertex, content: Digest) -> LayerInfo | None:
        """Return the layer that an earlier run of a vertex made, if it had this content.

        It is here as files, and held.
        """
        for layer in self.drivers.kept.records.made_by(vertex.digest, content):
            self.lease((layer,))
            info = self.drivers.layer_store.info(layer)
            if info is not None:
                return info
        return None

    def take(self, lock: FileLock, vertex: Vertex) -> None:
        """Take a lock for a vertex; while it waits, it tells for whom.

        Raises:
            CancelledError: the build was stopped before it had the lock.
        """
        if not lock.acquire(wait=False):
            holder = lock.signature() or "another build"
            if holder == self._name:
                holder = "another step of this build"
            self.emit(VertexWaiting(time.time_ns(), vertex.digest, holder))
            with self.waiting(vertex):
                if not lock.acquire(stop=lambda: self.cancellation.cancelled):
                    raise CancelledError("canceled")
            self.emit(VertexWaiting(time.time_ns(), vertex.digest, ""))
        lock.sign(self._name)

    @contextlib.contextmanager
    def waiting(self, vertex: Vertex) -> Iterator[None]:
        """Do not count the time of the block as the vertex's: it waits for something else."""
        began_ns = time.monotonic_ns()
        try:
            yield
        finally:
            took_ns = time.monotonic_ns() - began_ns
            self._waited_ns[vertex.digest] = self.waited_ns(vertex) + took_ns

    def waited_ns(self, vertex: Vertex) -> int:
        """Return how long a vertex has waited; each vertex is one thread's."""
        return self._waited_ns.get(vertex.digest, 0)

    def emit(self, event: Event) -> None:
        """Tell what happens."""
        self.sink(event)

    def reporter(self, vertex: Vertex) -> Progress:
        """Return a function that reports counts as progress of a vertex.

        It raises ``CancelledError`` when the build was stopped, and so ends what takes long.
        """

        def report(item: str, current: int, total: int) -> None:
            self.cancellation.check()
            self.sink(VertexProgress(time.time_ns(), vertex.digest, item, current, total))

        return report

    def log(self, vertex: Vertex, stream: int, data: bytes) -> None:
        """Pass on output of a vertex."""
        self.sink(VertexLog(time.time_ns(), vertex.digest, stream, data))

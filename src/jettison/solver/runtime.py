"""The drivers of one solve, and what all its ops share."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator

from jettison.cache.key import Contents, stack_digest
from jettison.concurrency import Limiter, Once, Workers
from jettison.errors import JettisonError
from jettison.events import Event, Progress, Sink, VertexLog, VertexProgress
from jettison.oci.digest import Digest
from jettison.plan.vertex import Vertex
from jettison.sandbox.base import Sandbox
from jettison.snapshot.base import ALL_TELL, ActiveSnapshot, Change, LayerInfo
from jettison.snapshot.stack import StackTree
from jettison.solver.cancellation import Cancellation
from jettison.solver.drivers import Drivers
from jettison.solver.masking import MaskingSink
from jettison.store.layer import LayerId, Stack, content_name, is_image_layer


class Runtime:
    """The drivers of one solve and the small things that all ops share.

    Args:
        drivers: Who does the work.
        sink: Gets the events.
        jobs: RUN steps at the same time.
    """

    def __init__(self, drivers: Drivers, *, sink: Sink, jobs: int) -> None:
        self.layer_store = drivers.layer_store
        self.layers = drivers.layers
        self.records = drivers.records
        self.memo = drivers.memo
        self.sources = drivers.sources
        self.options = drivers.options
        self.lock = drivers.lock
        options = drivers.options
        self.sink = MaskingSink(sink, [*options.secrets.values(), *options.passwords.values()])
        self.workers: Workers[Digest, None] = Workers()
        self.execs = Limiter(jobs)
        self.cancellation = Cancellation()
        self.renewed: Once[str, None] = Once()
        self._commit = drivers.commit
        self._sandbox = drivers.sandbox
        self._sandboxes: Once[str, Sandbox] = Once()
        self._trees: Once[Stack, StackTree] = Once()
        self._contents: dict[LayerId, str] = {}
        self._clocks: dict[LayerId, int] = {}
        self.lease: Callable[[Iterable[LayerId]], None] = lambda _layers: None

    def sandbox(self) -> Sandbox:
        """Return the driver that RUN steps use."""
        return self._sandboxes.get("", self._sandbox)

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

    def tree(self, stack: Stack, report: Progress) -> StackTree:
        """Return the files of a root file system, fetching layers that are not here."""

        def make() -> StackTree:
            below = self._trees.known(stack[:-1])
            directories = self.layers.materialise(stack, report)
            return StackTree(
                directories,
                self.layer_store.ownership,
                below=below,
                clocks=[*map(self._clock_ns, stack)],
            )

        return self._trees.get(stack, make)

    def commit(
        self,
        vertex: Vertex,
        active: ActiveSnapshot,
        change: Change,
    ) -> LayerInfo:
        """Make what a vertex changed a layer; see ``LayerStore.commit``."""
        if self._commit is None:
            info = self.layer_store.commit(active, change)
        else:
            info = self._commit(
                vertex.digest, active, change, cancelled=lambda: self.cancellation.cancelled
            )
        self._clocks[info.id] = info.clock_ns
        return info

    def find_previous(self, vertex: Vertex, content: Digest) -> LayerInfo | None:
        """Return the layer that an earlier run of a vertex made, if it had this content.

        It is here as files, and held.
        """
        for layer in self.records.made_by(vertex.digest, content):
            self.lease((layer,))
            info = self.layer_store.info(layer)
            if info is not None:
                return info
        return None

    def know(self, layer: LayerId, content: str) -> None:
        """Take note of what a layer holds, so that nobody has to look it up."""
        if content:
            self._contents[layer] = content_name(content)

    def contents(self, stack: Stack) -> Contents:
        """Return what the layers of a root file system hold, as keys know it."""
        known = self._contents
        for layer in stack:
            if layer not in known:
                known[layer] = self.layers.content(layer)
        return tuple([known[layer] for layer in stack])

    def stack_digest(self, stack: Stack) -> Digest:
        """Return the content digest of a root file system."""
        return stack_digest(self.contents(stack))

    def clock_ns(self, stack: Stack) -> int:
        """Return from when on times in a root file system say only when a step ran."""
        return min(map(self._clock_ns, stack), default=ALL_TELL)

    def _clock_ns(self, layer: LayerId) -> int:
        clock_ns = self._clocks.get(layer)
        if clock_ns is None:
            info = None if is_image_layer(layer) else self.layer_store.info(layer)
            clock_ns = info.clock_ns if info is not None else ALL_TELL
            self._clocks[layer] = clock_ns
        return clock_ns

    def is_here(self, stack: Stack) -> bool:
        """Tell whether all layers of a stack are here as files."""
        return all(self.layer_store.info(layer) is not None for layer in stack)

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

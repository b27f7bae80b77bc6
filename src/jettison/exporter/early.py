"""Layers that leave while the build still runs.

In:  layers as they are packed, and the repositories that their image will be pushed to.
Out: blobs in these repositories. No manifest and no tag: a build that fails has moved nothing.

The push at the end asks for each blob, and finds those that left early. So nothing here is needed
for the result, and errors are not reported here: what fails is tried again then.

Concurrency: one thread a registry, started with its first layer; ``add`` may be called by any.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Self

from jettison.concurrency import INTERRUPTS
from jettison.errors import JettisonError
from jettison.exporter.base import ExportServices, PushTarget
from jettison.image.parallel import Abandoned, Stop
from jettison.oci.digest import Digest
from jettison.oci.manifest import Descriptor

if TYPE_CHECKING:
    from jettison.registry.upload import Uploader


class EarlyUploads:
    """Sends blobs of layers to the first repository of each registry; a context manager.

    Args:
        services: Has the blobs and the client.
        targets: Where the image goes.
    """

    def __init__(self, services: ExportServices, targets: Sequence[PushTarget]) -> None:
        first = {each.reference.registry: each for each in reversed(targets)}
        self._lanes = [_Lane(services, target) for target in first.values()]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for lane in self._lanes:
            lane.stop.set()
        if isinstance(error, KeyboardInterrupt):
            INTERRUPTS.interrupt()
        self.finish()

    def add(self, descriptor: Descriptor) -> None:
        """Send a blob that is in the store soon."""
        for lane in self._lanes:
            lane.add(descriptor)

    def finish(self) -> None:
        """Wait for what is being sent now; what was not begun is left to the push."""
        for lane in self._lanes:
            lane.finish()


class _Lane:
    def __init__(self, services: ExportServices, target: PushTarget) -> None:
        self.stop = Stop()
        self._services = services
        self._target = target
        self._seen: set[Digest] = set()
        self._queue: queue.SimpleQueue[Descriptor | None] = queue.SimpleQueue()
        self._guard = threading.Lock()
        self._thread: threading.Thread | None = None
        self._ending = threading.Event()

    def add(self, descriptor: Descriptor) -> None:
        with self._guard:
            if descriptor.digest in self._seen or self._ending.is_set():
                return
            self._seen.add(descriptor.digest)
            self._queue.put(descriptor)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="early-push", daemon=True)
                self._thread.start()

    def finish(self) -> None:
        with self._guard:
            self._ending.set()
            thread = self._thread
        if thread is not None:
            self._queue.put(None)
            thread.join()

    def _run(self) -> None:
        from jettison.registry.upload import Uploader  # the client is heavy

        client = self._services.client
        if client is None:
            return
        try:
            uploader = Uploader(client(), self._target.reference, insecure=self._target.insecure)
            while not self._ending.is_set() and (descriptor := self._queue.get()) is not None:
                self._send(uploader, descriptor)
        except (Abandoned, JettisonError):
            return  # the push meets it again, and says so

    def _send(self, uploader: Uploader, descriptor: Descriptor) -> None:
        path = self._services.store.blobs.path(descriptor.digest)

        def opened() -> BinaryIO:
            return path.open("rb")

        def watched(_item: str, _current: int, _total: int) -> None:
            self.stop.check()

        uploader.blob(descriptor, opened, report=watched)

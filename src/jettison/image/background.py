"""Packs layers while later steps still run.

In:  layers as they are made, of which the image will consist.
Out: their diff IDs and, when an output wants them compressed or a push is likely, their blobs, in
     the store.

A layer that is compressed is read once: its blob gives its diff ID, too. The image's last layer
is even committed and packed in one pass, since no step waits for it; the others are packed while
later steps run. Nothing here is needed for the result: who asks for a diff ID or a blob later
waits for the one under way, or makes it. So errors are not reported here.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Protocol, Self

from jettison.errors import JettisonError
from jettison.image.layers import LayerBlobs
from jettison.image.manifest import Compression
from jettison.image.parallel import PACKERS, Abandoned, Stop, run_parallel
from jettison.oci.manifest import Descriptor
from jettison.snapshot.base import ActiveSnapshot, Change, LayerInfo
from jettison.store.layer import LayerId, Stack, is_image_layer


class BlobSender(Protocol):
    """Sends blobs where the image will go, while the build still runs."""

    def add(self, descriptor: Descriptor) -> None:
        """Send a blob that is in the store soon."""
        ...

    def finish(self) -> None:
        """Wait for what is being sent; the rest is left to who writes the image."""
        ...


class BackgroundPacker:
    """Packs layers in one background thread, started when there is something to pack.

    A context manager: at its end the thread is stopped and joined.

    Args:
        blobs: Makes them.
        compression: What an output wants; None wants diff IDs only.
        needed: Whether an output wants all blobs now; else those of layers that were made anyway
            are packed on the chance that they are pushed.
        idle: Whether there is nothing to pack: the image has other layers.
        sender: Gets each blob that was packed.
    """

    def __init__(
        self,
        blobs: LayerBlobs,
        compression: Compression | None,
        *,
        needed: bool = True,
        idle: bool = False,
        sender: BlobSender | None = None,
    ) -> None:
        self.idle = idle
        self._sender = sender
        self._blobs = blobs
        self._compression = compression
        self._needed = needed
        self._added: list[LayerId] = []
        self._stop = Stop()
        self._layers: queue.SimpleQueue[LayerId | None] = queue.SimpleQueue()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._thread is not None:
            self._stop.set()
            self._layers.put(None)
            self._thread.join()

    def commit(
        self,
        active: ActiveSnapshot,
        change: Change,
        *,
        cancelled: Callable[[], bool],
    ) -> LayerInfo:
        """Commit a change that no step waits for, and pack it meanwhile; see ``LayerBlobs``."""
        wanted = self._compression
        name, level = (wanted.name, wanted.level) if wanted is not None else ("", None)
        return self._blobs.commit(active, change, name, level, cancelled=cancelled)

    def add(self, layer: LayerId) -> None:
        """Pack a layer soon; any thread may ask."""
        with self._starting:
            self._added.append(layer)
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="background-packer", daemon=True
                )
                self._thread.start()
        self._layers.put(layer)

    def finish(self, stack: Stack) -> None:
        """Pack what is left of the layers of an image: those made here, or just now.

        What is being sent has been sent then.

        Raises:
            JettisonError: as ``LayerBlobs.describe``, if blobs are needed.
        """
        if self._compression is None:
            return
        wanted = stack if self._needed else self._added
        layers = [layer for layer in dict.fromkeys(wanted) if not is_image_layer(layer)]
        jobs = [partial(self._pack, layer) for layer in layers]
        try:
            run_parallel(jobs, limit=PACKERS)
        except JettisonError:
            if self._needed:
                raise
        if self._sender is not None:
            self._sender.finish()

    def _run(self) -> None:
        while (layer := self._layers.get()) is not None:
            try:
                self._pack(layer, self._stop)
            except (Abandoned, JettisonError):
                continue

    def _pack(self, layer: LayerId, stop: Stop) -> None:
        stop.check()
        wanted = self._compression
        if wanted is None:
            self._blobs.diff_id(layer, stop)
        else:
            blob = self._blobs.describe(layer, wanted.name, level=wanted.level, stop=stop)
            if self._sender is not None:
                self._sender.add(blob)

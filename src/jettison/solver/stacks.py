"""What one solve knows about root file systems: their files, what they hold, when they were made.

In:  stacks of layers, which never change.
Out: their trees, content digests and clocks, each found once.
"""

from __future__ import annotations

from jettison.cache.key import Contents, stack_digest
from jettison.concurrency import Once
from jettison.events import Progress
from jettison.oci.digest import Digest
from jettison.snapshot.base import ALL_TELL, LayerInfo, LayerStore
from jettison.snapshot.stack import StackTree
from jettison.solver.drivers import LayerFiles
from jettison.store.layer import LayerId, Stack, content_name, is_image_layer


class Stacks:
    """The stacks of one solve; thread-safe.

    Args:
        layer_store: Has the layers that are here as files.
        layers: Makes others be here.
    """

    def __init__(self, layer_store: LayerStore, layers: LayerFiles) -> None:
        self._layer_store = layer_store
        self._layers = layers
        self._trees: Once[Stack, StackTree] = Once()
        self._contents: dict[LayerId, str] = {}
        self._clocks: dict[LayerId, int] = {}

    def tree(self, stack: Stack, report: Progress) -> StackTree:
        """Return the files of a root file system, fetching layers that are not here."""

        def make() -> StackTree:
            below = self._trees.known(stack[:-1])
            return StackTree(
                self._layers.materialise(stack, report),
                self._layer_store.ownership,
                below=below,
                clocks=[*map(self._clock_ns, stack)],
            )

        return self._trees.get(stack, make)

    def is_here(self, stack: Stack) -> bool:
        """Tell whether all layers of a stack are here as files."""
        return all(self._layer_store.info(layer) is not None for layer in stack)

    def note_content(self, layer: LayerId, content: str) -> None:
        """Take note of what a layer holds, so that nobody has to look it up."""
        if content:
            self._contents[layer] = content_name(content)

    def note_clock(self, info: LayerInfo) -> None:
        """Take note of when a layer was made."""
        self._clocks[info.id] = info.clock_ns

    def contents(self, stack: Stack) -> Contents:
        """Return what the layers of a root file system hold, as keys know it."""
        known = self._contents
        for layer in stack:
            if layer not in known:
                known[layer] = self._layers.content(layer)
        return tuple([known[layer] for layer in stack])

    def digest(self, stack: Stack) -> Digest:
        """Return the content digest of a root file system."""
        return stack_digest(self.contents(stack))

    def clock_ns(self, stack: Stack) -> int:
        """Return from when on times in a root file system say only when a step ran."""
        return min(map(self._clock_ns, stack), default=ALL_TELL)

    def _clock_ns(self, layer: LayerId) -> int:
        clock_ns = self._clocks.get(layer)
        if clock_ns is None:
            info = None if is_image_layer(layer) else self._layer_store.info(layer)
            clock_ns = info.clock_ns if info is not None else ALL_TELL
            self._clocks[layer] = clock_ns
        return clock_ns

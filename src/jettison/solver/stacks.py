"""What one solve knows about root file systems: their files, what they hold, when they were made.

In:  stacks of layers, which never change.
Out: their trees, content digests and clocks, each found once.
"""

from __future__ import annotations

from collections.abc import Sequence

from jettison.cache.key import Contents, stack_digest
from jettison.concurrency import Once
from jettison.events import Progress
from jettison.fs.tree import Tree
from jettison.oci.digest import Digest
from jettison.plan.op import ImageOp
from jettison.snapshot.base import ALL_TELL, LayerInfo, LayerStore
from jettison.snapshot.stack import StackTree
from jettison.solver.drivers import LayerFiles
from jettison.solver.root_layers import RootLayers
from jettison.store.layer import LayerId, Stack, content_name, image_layer_id, is_image_layer


class Stacks:
    """The stacks of one solve; thread-safe.

    Args:
        layer_store: Has the layers that are here as files.
        layers: Makes others be here.
    """

    def __init__(self, layer_store: LayerStore, layers: LayerFiles) -> None:
        self._layer_store = layer_store
        self._layers = layers
        self._trees: Once[RootLayers, StackTree] = Once()
        self._contents: dict[LayerId, str] = {}
        self._clocks: dict[LayerId, int] = {}
        self._whole: set[LayerId] = set()
        self._images: dict[Stack, ImageOp | None] = {}

    def tree(self, root: RootLayers, report: Progress) -> StackTree:
        """Return the files of a root file system, fetching layers that are not here."""

        def make() -> StackTree:
            return StackTree(
                self._layers.materialise(root.layers, report),
                self._layer_store.ownership,
                below=self._trees.known(root.below()),
                clocks=self._clocks_ns(root),
            )

        return self._trees.get(root, make)

    def browse(
        self, root: RootLayers, report: Progress, *, wanted: Sequence[str] | None = None
    ) -> Tree:
        """Return the files of a root file system for a step that reads few of them.

        Args:
            root: It.
            report: Called with bytes that are fetched.
            wanted: Paths that will be read, with all below them; None asks only what is where.
        """
        stack = root.layers
        missing = [layer for layer in stack if self._layer_store.info(layer) is None]
        if not missing or "/" in (wanted or ()) or not self._whole.isdisjoint(missing):
            return self.tree(root, report)
        clocks = self._clocks_ns(root)
        for number, layer in enumerate(stack):
            if number >= len(root.diff_ids) and self._is_undated(layer):
                clocks[number] = 0
        counts = range(len(stack), 0, -1)
        images = (self._images.get(stack[:count]) for count in counts)
        base = next((image for image in images if image is not None), None)
        return self._layers.browse(stack, clocks, report, wanted=wanted, base=base)

    def note_image(self, stack: Stack, image: ImageOp) -> None:
        """Take note of what is all of an image; of two names of the same layers none counts."""
        other = self._images.setdefault(stack, image)
        if other is not None and other.reference != image.reference:
            self._images[stack] = None

    def expect_whole(self, stack: Stack) -> None:
        """Take note that a step will be mounted on a root file system."""
        self._whole.update(stack)

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

    def contents(self, root: RootLayers) -> Contents:
        """Return what the layers of a root file system hold, as keys know it."""
        known, made = self._contents, root.layers[len(root.diff_ids) :]
        for layer in made:
            if layer not in known:
                known[layer] = self._layers.content(layer)
        return (*map(image_layer_id, root.diff_ids), *[known[layer] for layer in made])

    def digest(self, root: RootLayers) -> Digest:
        """Return the content digest of a root file system."""
        return stack_digest(self.contents(root))

    def clock_ns(self, root: RootLayers) -> int:
        """Return from when on times in a root file system say only when a step ran."""
        return min(self._clocks_ns(root), default=ALL_TELL)

    def _is_undated(self, layer: LayerId) -> bool:
        """Tell whether a layer was made here, and when is not known as it is no more as files."""
        return not is_image_layer(layer) and self._layer_store.info(layer) is None

    def _clocks_ns(self, root: RootLayers) -> list[int]:
        """Return the clock of each layer."""
        count = len(root.diff_ids)
        return [ALL_TELL] * count + [self._clock_ns(layer) for layer in root.layers[count:]]

    def _clock_ns(self, layer: LayerId) -> int:
        clock_ns = self._clocks.get(layer)
        if clock_ns is None:
            info = None if is_image_layer(layer) else self._layer_store.info(layer)
            clock_ns = info.clock_ns if info is not None else ALL_TELL
            self._clocks[layer] = clock_ns
        return clock_ns

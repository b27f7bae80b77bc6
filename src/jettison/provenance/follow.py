"""Follows files of an image back to what produced them, many at once, and adds up.

In:  a ``Provenance``, the files of its image.
Out: sums by route, by image and by source of a COPY; which files of stages were passed.

``Provenance.chain`` says more about one path. Here what holds for a whole directory is found once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jettison.fs.visible import Seen
from jettison.provenance.chain import MAX_LINKS, Provenance, StackFiles
from jettison.provenance.origin import CopiedSource, CopyOrigins
from jettison.provenance.record import StackLayer, StepKind

Reached = dict[tuple[int, int], set[int]]
"""Files that stages' instructions made: first entries of inodes, by stage and number of layer."""

Sums = dict[tuple[Any, ...], tuple[int, int]]
"""Bytes and files by some key."""

Produced = Callable[[str, int, int, str, int], None]


def add_to(sums: Sums, key: tuple[Any, ...], size: int) -> None:
    """Add a file to the sum of a key."""
    total, files = sums.get(key, (0, 0))
    sums[key] = total + size, files + 1


class _Copied:
    """A source of a COPY: where its files are to be found.

    Args:
        layer: What the COPY made.
        source: It.
        stage: The stage that it is of; -1 for the outside.
        image: Whether the outside is another image.
        outside: What that is called.
    """

    def __init__(
        self, layer: StackLayer, source: CopiedSource, stage: int, outside: str, *, image: bool
    ) -> None:
        self.stage = stage
        self.image = image
        self.outside = outside
        self.cut = len(source.target)
        self.root = source.root.rstrip("/")
        line = layer.instruction.line
        self.crossing = (stage, layer.stage, source.root, source.target, line, outside)
        self.bytes = self.files = 0


class _Layer:
    """A layer of a stage, with what is asked of each of its files."""

    def __init__(self, provenance: Provenance, layer: StackLayer, reached: set[int]) -> None:
        self.stage = layer.stage
        self.reached = reached
        self.line = layer.instruction.line
        self.detail = layer.step.detail
        self.is_base = layer.is_base
        self.is_run = layer.step.kind is StepKind.RUN
        self.is_forgotten = provenance.is_forgotten(layer.step)
        origins = provenance.origins(layer.step) or CopyOrigins((), ())
        self._rules = dict(origins.rules)
        self.sources = [_copied(provenance, layer, each) for each in origins.sources]
        self._by_directory: dict[str, _Copied | None] = {}

    def copied(self, path: str) -> _Copied | None:
        """Return the source that a file came from, None if the instruction made it."""
        if not self._rules:
            return None
        exact = self._rules.get(path)
        if exact is not None:
            return self.sources[exact]
        parent = path.rpartition("/")[0]
        try:
            return self._by_directory[parent]
        except KeyError:
            prefix = parent
            while prefix and prefix not in self._rules:
                prefix = prefix.rpartition("/")[0]
            index = self._rules.get(prefix)
            found = self._by_directory[parent] = None if index is None else self.sources[index]
            return found


def _copied(provenance: Provenance, layer: StackLayer, source: CopiedSource) -> _Copied:
    stage = provenance.source_stage(layer, source)
    outside = provenance.outside(layer.step, source) if stage < 0 else None
    if outside is None:
        return _Copied(layer, source, stage, "", image=False)
    is_image = outside.kind is StepKind.IMAGE
    return _Copied(layer, source, stage, outside.detail, image=is_image)


class Follower:
    """Follows files, and adds up.

    Args:
        provenance: Of the image.
        produced: Called with each file; see ``totals.FileObserver``.

    Attributes:
        reached: Files of stages that were passed.
        routes: By the stages that were passed, the last one being the producer.
        images: By reference, and the stage that is FROM it (-1: it was copied from).
        lost: Files whose chain has no end.
    """

    def __init__(self, provenance: Provenance, produced: Produced | None) -> None:
        self._provenance = provenance
        self._produced = produced
        self._layers: dict[int, list[_Layer]] = {}
        self.reached: Reached = {}
        self.routes: Sums = {}
        self.images: Sums = {}
        self.lost: Sums = {}

    def follow(self, path: str, position: int, entry: int, size: int) -> None:
        """Follow one file of the image to its producer.

        Args:
            path: Where the image has it.
            position: Number of its layer.
            entry: In the listing of that layer.
            size: Its bytes.
        """
        stage, place = self._provenance.record.target, path
        passed: tuple[int, ...] = ()
        line = 0
        for _ in range(MAX_LINKS):
            files = self._provenance.files(stage)
            layer = self._of(stage, files)[position]
            line = layer.line
            if layer.is_base:
                self._from_image(place, size, layer.stage, layer.detail, line)
                return
            listing = files.listing(position)
            if listing is not None and listing.links:
                entry = listing.links.get(entry, entry)
            layer.reached.add(entry)
            passed = (*passed, layer.stage)
            copied = layer.copied(path)
            if copied is None:
                beneath = files.beneath(path, Seen(position, entry)) if layer.is_run else None
                if beneath is not None:
                    position, entry = beneath
                    continue
                if layer.is_forgotten:
                    add_to(self.lost, (), size)
                break
            copied.bytes += size
            copied.files += 1
            if copied.image:
                self._from_image(place, size, -1, copied.outside, line)
                return
            stage = copied.stage
            if stage < 0:
                break
            path = copied.root + path[copied.cut :]
            holder = self._provenance.files(stage).file_holder(path)
            if holder is None:
                add_to(self.lost, (), size)
                break
            position, entry = holder
        add_to(self.routes, passed, size)
        if self._produced is not None:
            self._produced(place, size, passed[-1], "", line)

    def crossings(self) -> Sums:
        """Return the sums of copies' sources.

        They are by stage, stage that they went into, path, path there, line, name of the outside.
        """
        found: Sums = {}
        sources = (
            each for layers in self._layers.values() for layer in layers for each in layer.sources
        )
        for each in sources:
            if each.files:
                total, files = found.get(each.crossing, (0, 0))
                found[each.crossing] = total + each.bytes, files + each.files
        return found

    def _from_image(self, path: str, size: int, stage: int, image: str, line: int) -> None:
        add_to(self.images, (image, stage), size)
        if self._produced is not None:
            self._produced(path, size, stage, image, line)

    def _of(self, stage: int, files: StackFiles) -> list[_Layer]:
        known = self._layers.get(stage)
        if known is None:
            known = []
            for position, each in enumerate(files.layers):
                reached = self.reached.setdefault((each.stage, position), set())
                known.append(_Layer(self._provenance, each, reached))
            self._layers[stage] = known
        return known

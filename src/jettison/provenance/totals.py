"""What each stage added, and what of it reached the image: sums over all chains.

In:  a ``Provenance``.
Out: ``Totals``.

All sizes are bytes of regular files; a file with several names counts once. Two questions are kept
apart:

- of what a stage *added* (files that its instructions put over its base, seen at its end), what
  is on the chain of a file of the image is *reached*, the rest is *left behind*; each file counts
  once, however often it was copied, so ``reached + left = added``;
- of the files that the image shows, which stage *produced* each, or which other image it came from
  unchanged; the sum over stages and images is all that the image shows.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec

from jettison.fs.listing import Listing
from jettison.fs.visible import Seen, Visible, visible
from jettison.provenance.chain import MAX_LINKS, NOTHING, Provenance, StackFiles
from jettison.provenance.origin import Origin
from jettison.provenance.record import StackLayer, StepKind


class Amount(msgspec.Struct, frozen=True):
    """Bytes of regular files, and how many they are."""

    bytes: int = 0
    files: int = 0

    def __add__(self, other: Amount) -> Amount:
        """Return both together."""
        return Amount(self.bytes + other.bytes, self.files + other.files)

    def __sub__(self, other: Amount) -> Amount:
        """Return what is left without the other."""
        return Amount(self.bytes - other.bytes, self.files - other.files)


class Via(msgspec.Struct, frozen=True):
    """What came through another stage on its way from the one that produced it to the image."""

    stage: int
    amount: Amount


class StageTotals(msgspec.Struct, frozen=True):
    """A stage; see the module.

    Args:
        stage: Its index.
        visible: Its root file system at its end, with its base.
        base: Its base, as it was.
        added: What its instructions put over that.
        reached: What of that is on the chain of a file of the image.
        produced: What of the image ends its chain here.
        via: What of that passed other stages, by stage.
    """

    stage: int
    visible: Amount
    base: Amount
    added: Amount
    reached: Amount
    produced: Amount
    via: tuple[Via, ...] = ()

    @property
    def left(self) -> Amount:
        """What it added and no file of the image came from."""
        return self.added - self.reached


class ImageTotals(msgspec.Struct, frozen=True):
    """What of the image came unchanged from another image.

    Args:
        reference: Its name.
        amount: Of the image's files.
        stage: The stage that is FROM it; -1 for one that is only copied from.
    """

    reference: str
    amount: Amount
    stage: int = -1


class Crossing(msgspec.Struct, frozen=True):
    """What one source of a COPY carried from a stage into another, on its way to the image.

    Args:
        source: Stage that it came from; -1 for another image, a context, a URL or a heredoc.
        target: Stage that it went into.
        source_path: Where it was; as ``CopiedSource.root``.
        target_path: Where it went.
        line: Of the COPY.
        outside: Reference, name of a context or URL, if ``source`` is -1; empty for a heredoc.
        amount: What of it is in the image.
    """

    source: int
    target: int
    source_path: str
    target_path: str
    line: int
    outside: str
    amount: Amount


class Totals(msgspec.Struct, frozen=True):
    """The sums of an image.

    Args:
        stages: Those that were needed, in the order of the Dockerfile.
        images: Other images.
        crossings: The largest first.
        shipped: Of all layers of the image, hidden files included.
        visible: Of what the image shows.
        lost: What of that has no chain to its end, as the store lacks layers or origins; the last
            stage that is known counts as its producer.
        is_complete: Whether the entries of all layers were known: else the sums lack those.
    """

    stages: tuple[StageTotals, ...]
    images: tuple[ImageTotals, ...]
    crossings: tuple[Crossing, ...]
    shipped: Amount
    visible: Amount
    lost: Amount
    is_complete: bool


class _File(NamedTuple):
    """A regular file that a stage's instruction put into a layer: the first name of its inode."""

    stage: int
    position: int
    entry: int


class _Sums:
    """Adds up amounts by some key."""

    def __init__(self) -> None:
        self._sums: dict[tuple[object, ...], tuple[int, int]] = {}

    def add(self, key: tuple[object, ...], size: int) -> None:
        total, files = self._sums.get(key, (0, 0))
        self._sums[key] = total + size, files + 1

    def get(self, *key: object) -> Amount:
        return Amount(*self._sums.get(key, (0, 0)))

    def items(self) -> Iterable[tuple[tuple[Any, ...], Amount]]:
        return [(key, Amount(*each)) for key, each in self._sums.items()]


class FileObserver(Protocol):
    """Sees each file that is counted."""

    def produced(self, path: str, size: int, stage: int, image: str, line: int) -> None:
        """Take note of a file of the image.

        Args:
            path: Where the image has it.
            size: Its bytes.
            stage: The stage that produced it, or that is FROM the image that it came with; -1 for
                an image that is only copied from.
            image: Reference of that image; empty for what a stage produced.
            line: Of the instruction that produced it, or of the FROM or COPY of the image.
        """
        ...

    def left(self, stage: int, path: str, size: int) -> None:
        """Take note of a file that a stage added and no file of the image came from."""
        ...


class NoObserver:
    """Takes no notes."""

    def produced(self, _path: str, _size: int, _stage: int, _image: str, _line: int) -> None:
        """Do nothing."""

    def left(self, _stage: int, _path: str, _size: int) -> None:
        """Do nothing."""


def totals(provenance: Provenance, observer: FileObserver | None = None) -> Totals:
    """Follow each file of the image, and add up.

    Args:
        provenance: Of the image.
        observer: Sees each file.
    """
    return _Count(provenance, observer or NoObserver()).totals()


class _Count:
    """One count."""

    def __init__(self, provenance: Provenance, observer: FileObserver) -> None:
        self._provenance = provenance
        self._observer = observer
        self._record = provenance.record
        self._reached: set[_File] = set()
        self._produced = _Sums()
        self._via = _Sums()
        self._images = _Sums()
        self._crossings = _Sums()
        self._lost = _Sums()

    def totals(self) -> Totals:
        image = self._provenance.image
        for path, seen, size in _files(image.visible):
            self._follow(path, seen, size)
        stages = [each.index for each in self._record.stages if each.needed]
        crossings = [
            Crossing(source, target, root, place, line, outside, amount)
            for (source, target, root, place, line, outside), amount in self._crossings.items()
        ]
        return Totals(
            stages=tuple(self._stage(stage) for stage in stages),
            images=tuple(
                ImageTotals(reference, amount, stage)
                for (reference, stage), amount in self._images.items()
            ),
            crossings=tuple(sorted(crossings, key=lambda each: -each.amount.bytes)),
            shipped=_sum(_shipped(image)),
            visible=_sum(size for _, _, size in _files(image.visible)),
            lost=self._lost.get(),
            is_complete=all(self._provenance.files(stage).is_complete for stage in stages),
        )

    def _follow(self, path: str, seen: Seen, size: int) -> None:
        """Follow one file of the image to its producer."""
        provenance, stage, place = self._provenance, self._record.target, path
        passed: list[int] = []
        line = 0
        for _ in range(MAX_LINKS):
            files = provenance.files(stage)
            layer = files.layers[seen.layer]
            line = layer.instruction.line
            if layer.is_base:
                self._from_image(place, size, layer.stage, layer.step.detail, line)
                return
            inode = files.inode(seen)
            self._reached.add(_File(layer.stage, inode.layer, inode.entry))
            passed.append(layer.stage)
            origin = provenance.origin(layer.step, path)
            if origin is None:
                if provenance.is_forgotten(layer.step):
                    self._lost.add((), size)
                break
            stage = provenance.source_stage(layer, origin)
            outside = provenance.outside(layer.step, origin) if stage < 0 else None
            self._cross(layer, origin, stage, outside.detail if outside is not None else "", size)
            if outside is not None and outside.kind is StepKind.IMAGE:
                self._from_image(place, size, -1, outside.detail, line)
                return
            if stage < 0:
                break
            path = origin.path
            holder = provenance.files(stage).holder(path)
            if holder is None:
                self._lost.add((), size)
                break
            seen = holder
        self._observer.produced(place, size, passed[-1], "", line)
        self._produced.add((passed[-1],), size)
        for each in dict.fromkeys(passed[1:-1]):  # the first one's files are the image's own
            if each != passed[-1]:
                self._via.add((passed[-1], each), size)

    def _from_image(self, path: str, size: int, stage: int, image: str, line: int) -> None:
        self._images.add((image, stage), size)
        self._observer.produced(path, size, stage, image, line)

    def _cross(
        self, layer: StackLayer, origin: Origin, stage: int, outside: str, size: int
    ) -> None:
        source = origin.source
        key = (stage, layer.stage, source.root, source.target, layer.instruction.line, outside)
        self._crossings.add(key, size)

    def _stage(self, stage: int) -> StageTotals:
        files = self._provenance.files(stage)
        first = sum(1 for each in files.layers if each.stage != stage or each.is_base)
        listings = [files.listing(each) or NOTHING for each in range(len(files.layers))]
        own = list(_own(listings[first:], first, stage))
        for path, file, size in own:
            if file not in self._reached:
                self._observer.left(stage, path, size)
        return StageTotals(
            stage=stage,
            visible=_sum(size for _, _, size in _files(files.visible)),
            base=_sum(size for _, _, size in _files(visible(listings[:first]))),
            added=_sum(size for _, _, size in own),
            reached=_sum(size for _, file, size in own if file in self._reached),
            produced=self._produced.get(stage),
            via=tuple(Via(key[1], amount) for key, amount in self._via.items() if key[0] == stage),
        )


def _files(shown: Visible) -> Iterator[tuple[str, Seen, int]]:
    """Yield path, entry and size of each regular file, those with several names once."""
    done: set[Seen] = set()
    for path, seen in shown.entries.items():
        listing = shown.layers[seen.layer]
        if not stat.S_ISREG(listing.modes[seen.entry]):
            continue
        if listing.links:
            inode = shown.inode(seen)
            if inode in done:
                continue
            done.add(inode)
        yield path, seen, listing.sizes[seen.entry]


def _own(layers: Sequence[Listing], first: int, stage: int) -> Iterator[tuple[str, _File, int]]:
    """Yield the files that a stage's own layers add: path, what it is, size."""
    shown = visible(layers)
    for path, seen, size in _files(shown):
        inode = shown.inode(seen)
        yield path, _File(stage, first + inode.layer, inode.entry), size


def _shipped(image: StackFiles) -> Iterator[int]:
    """Yield the sizes of all files of all layers."""
    for position in range(len(image.layers)):
        listing = image.listing(position) or NOTHING
        for entry, mode in enumerate(listing.modes):
            if stat.S_ISREG(mode) and entry not in listing.links:
                yield listing.sizes[entry]


def _sum(sizes: Iterable[int]) -> Amount:
    found = list(sizes)
    return Amount(sum(found), len(found))

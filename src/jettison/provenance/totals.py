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
from collections.abc import Iterable, Iterator
from typing import Protocol

import msgspec

from jettison.fs.listing import empty_listing
from jettison.fs.visible import Visible, visible
from jettison.provenance.chain import Provenance, StackFiles
from jettison.provenance.follow import Follower

_KIND = 0o170000


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


def totals(provenance: Provenance, observer: FileObserver | None = None) -> Totals:
    """Follow each file of the image, and add up.

    Args:
        provenance: Of the image.
        observer: Sees each file.
    """
    image = provenance.image
    follower = Follower(provenance, observer.produced if observer is not None else None)
    for path, position, entry, size in _files(image.visible):
        follower.follow(path, position, entry, size)
    stages = [each.index for each in provenance.record.stages if each.needed]
    crossings = [
        Crossing(source, target, root, place, line, outside, Amount(*each))
        for (source, target, root, place, line, outside), each in follower.crossings().items()
    ]
    images = [
        ImageTotals(reference, Amount(*each), stage)
        for (reference, stage), each in follower.images.items()
    ]
    return Totals(
        stages=tuple(_stage(provenance, follower, stage, observer) for stage in stages),
        images=tuple(images),
        crossings=tuple(sorted(crossings, key=lambda each: -each.amount.bytes)),
        shipped=_sum(_shipped(image)),
        visible=_sum(_sizes(image.visible)),
        lost=Amount(*follower.lost.get((), (0, 0))),
        is_complete=all(provenance.files(stage).is_complete for stage in stages),
    )


def _stage(
    provenance: Provenance, follower: Follower, stage: int, observer: FileObserver | None
) -> StageTotals:
    files = provenance.files(stage)
    first = sum(1 for each in files.layers if each.stage != stage or each.is_base)
    listings = [files.listing(each) or empty_listing() for each in range(len(files.layers))]
    own = visible(listings[first:]) if first else files.visible
    reached: list[int] = []
    for path, position, entry, size in _files(own):
        entry = own.layers[position].links.get(entry, entry)  # noqa: PLW2901
        if entry in follower.reached.get((stage, first + position), ()):
            reached.append(size)
        elif observer is not None:
            observer.left(stage, path, size)
    produced = Amount()
    via: dict[int, Amount] = {}
    for passed, each in follower.routes.items():
        if passed[-1] == stage:
            produced += Amount(*each)
            for other in {*passed[1:-1]} - {stage}:  # the first one's files are the image's own
                via[other] = via.get(other, Amount()) + Amount(*each)
    return StageTotals(
        stage=stage,
        visible=_sum(_sizes(files.visible)),
        base=_sum(_sizes(visible(listings[:first]))),
        added=_sum(_sizes(own)),
        reached=_sum(reached),
        produced=produced,
        via=tuple(Via(other, via[other]) for other in sorted(via)),
    )


def _files(shown: Visible) -> Iterator[tuple[str, int, int, int]]:
    """Yield path, layer, entry and size of each regular file, those with several names once."""
    done: set[tuple[int, int]] = set()
    modes = [listing.modes for listing in shown.layers]
    sizes = [listing.sizes for listing in shown.layers]
    links = [listing.links for listing in shown.layers]
    for path, (layer, entry) in shown.entries.items():
        if modes[layer][entry] & _KIND != stat.S_IFREG:
            continue
        if links[layer]:
            inode = layer, links[layer].get(entry, entry)
            if inode in done:
                continue
            done.add(inode)
        yield path, layer, entry, sizes[layer][entry]


def _sizes(shown: Visible) -> Iterator[int]:
    return (size for _, _, _, size in _files(shown))


def _shipped(image: StackFiles) -> Iterator[int]:
    """Yield the sizes of all files of all layers."""
    for position in range(len(image.layers)):
        listing = image.listing(position) or empty_listing()
        for entry, mode in enumerate(listing.modes):
            if mode & _KIND == stat.S_IFREG and entry not in listing.links:
                yield listing.sizes[entry]


def _sum(sizes: Iterable[int]) -> Amount:
    found = list(sizes)
    return Amount(sum(found), len(found))

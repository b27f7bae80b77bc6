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

from collections.abc import Sequence
from typing import Protocol

import msgspec

from jettison.fs.visible import Visible
from jettison.provenance.amount import Amount, files_of, held, hidden_files, shown_by, total
from jettison.provenance.chain import Provenance
from jettison.provenance.follow import Follower, ProducedFiles


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
    """Sees all files that are counted, those of one place and one way together."""

    def produced(self, files: ProducedFiles) -> None:
        """Take note of files of the image."""
        ...

    def left(self, stage: int, directory: str, names: Sequence[str], sizes: Sequence[int]) -> None:
        """Take note of files that a stage added and no file of the image came from."""
        ...


def totals(provenance: Provenance, observer: FileObserver | None = None) -> Totals:
    """Follow each file of the image, and add up.

    Args:
        provenance: Of the image.
        observer: Sees each file.
    """
    image = provenance.image
    follower = Follower(provenance, observer.produced if observer is not None else None)
    for files in image.visible.files:
        follower.follow(files)
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
        shipped=total(map(held, image.visible.layers)),
        visible=total(shown_by(image.visible)),
        lost=Amount(*follower.lost.get((), (0, 0))),
        is_complete=all(provenance.files(stage).is_complete for stage in stages),
    )


def _stage(
    provenance: Provenance, follower: Follower, stage: int, observer: FileObserver | None
) -> StageTotals:
    files = provenance.files(stage)
    shown = files.visible
    first = sum(1 for each in files.layers if each.stage != stage or each.is_base)
    amounts = shown_by(shown)
    reached = Amount()
    lost = hidden_files(shown, len(shown.layers))
    for position in range(first, len(shown.layers)):
        passed = follower.reached.get((stage, position), set()) - lost[position]
        reached += files_of(shown.layers[position], passed)
        if observer is not None and len(passed) < amounts[position].files:
            _tell_left(shown, position, passed, stage, observer)
    produced = Amount()
    via: dict[int, Amount] = {}
    for way, each in follower.routes.items():
        if way[-1] == stage:
            produced += Amount(*each)
            for other in {*way[1:-1]} - {stage}:  # the first one's files are the image's own
                via[other] = via.get(other, Amount()) + Amount(*each)
    return StageTotals(
        stage=stage,
        visible=total(amounts),
        base=total(shown_by(shown, first)),
        added=total(amounts[first:]),
        reached=reached,
        produced=produced,
        via=tuple(Via(other, via[other]) for other in sorted(via)),
    )


def _tell_left(
    shown: Visible, position: int, passed: set[int], stage: int, observer: FileObserver
) -> None:
    """Tell what a layer shows and no file of the image came from."""
    listing = shown.layers[position]
    for group in shown.files:
        if group.layer != position:
            continue
        left = [
            number
            for number, entry in enumerate(group.entries)
            if listing.links.get(entry, entry) not in passed
        ]
        if left:
            names = [group.names[number] for number in left]
            column = listing.sizes
            sizes = [column[group.entries[number]] for number in left]
            observer.left(stage, group.directory, names, sizes)

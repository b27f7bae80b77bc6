"""The chain of a path: from the image back to the step that produced it, through all copies.

In:  a ``BuildRecord``, the origins of its copies, listings of layers.
Out: ``Chain``: the first link is the path in the image, the last one what made it.

A directory belongs to the layer that made it, or changed its mode, owner or attributes last: that
something was put into it changes its time only.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

import msgspec

from jettison.fs.listing import Listing, empty_listing
from jettison.fs.visible import Seen, Visible, visible
from jettison.fs.watched import Watch
from jettison.provenance.origin import CopiedSource, CopyOrigins, Origin
from jettison.provenance.reads import StepReads
from jettison.provenance.record import BuildRecord, StackLayer, StepKind, StepRecord
from jettison.store.layer import LayerId

MAX_LINKS = 1024


class Way(enum.Enum):
    """How a path came to be where it is.

    ``METADATA`` is a RUN that left the bytes of a file as they were and changed its mode, owner,
    attributes or times. ``LOST`` is what the store does not know any more.
    """

    BASE = "base"
    RUN = "run"
    METADATA = "metadata"
    COPY = "copy"
    WORKDIR = "workdir"
    CONTEXT = "context"
    URL = "url"
    GIT = "git"
    HEREDOC = "heredoc"
    IMAGE = "image"
    LOST = "lost"


class Link(msgspec.Struct, frozen=True, omit_defaults=True):
    """One place of a path, and what put it there.

    Args:
        path: Its path at this place; the name of a heredoc.
        way: What put it there. ``COPY`` and ``METADATA`` go on with the next link; every other one
            ends the chain.
        stage: Index of the stage whose instruction did; -1 outside of stages.
        layer: The layer that holds it; empty outside of layers.
        position: Number of that layer in the stage's root file system; -1 without one.
        line: First line of the instruction; 0 if it is not in the Dockerfile.
        end_line: Last line.
        instruction: Its text, variables expanded.
        detail: Reference of an image, name of a context, or URL.
        member: Its name in the archive at ``path``.
        step: Index of the step in ``BuildRecord.steps``; -1 without one.
    """

    path: str
    way: Way
    stage: int = -1
    layer: str = ""
    position: int = -1
    line: int = 0
    end_line: int = 0
    instruction: str = ""
    detail: str = ""
    member: str = ""
    step: int = -1


class Chain(msgspec.Struct, frozen=True):
    """Where a path of an image came from; the first link is in the image."""

    path: str
    links: tuple[Link, ...]

    @property
    def producer(self) -> Link:
        """The link of the instruction that produced it: the last one that is in a stage."""
        inside = [link for link in self.links if link.stage >= 0]
        return inside[-1] if inside else self.links[-1]


class StackFiles:
    """The files of one stage's root file system.

    Args:
        layers: Its layers, base first.
        listings: Theirs, None of those whose files are not here.
    """

    def __init__(
        self, layers: Sequence[StackLayer], listings: Callable[[LayerId], Listing | None]
    ) -> None:
        self.layers = layers
        self._find = listings
        self._listings: dict[int, Listing | None] = {}

    def listing(self, position: int) -> Listing | None:
        """Return the entries of a layer, None if they are not known."""
        if position not in self._listings:
            self._listings[position] = self._find(self.layers[position].layer)
        return self._listings[position]

    @cached_property
    def is_complete(self) -> bool:
        """Whether the entries of all layers are known."""
        return all(self.listing(each) is not None for each in range(len(self.layers)))

    @cached_property
    def visible(self) -> Visible:
        """What is seen of all layers; those that are not known hide and show nothing."""
        return visible([self.listing(each) or empty_listing() for each in range(len(self.layers))])

    @cached_property
    def indexes(self) -> list[tuple[int, dict[str, int]]]:
        """Entries by path of the layers that are known, topmost first."""
        found = [(each, self.listing(each)) for each in range(len(self.layers) - 1, -1, -1)]
        return [(each, listing.index) for each, listing in found if listing is not None]

    def holder(self, path: str) -> Seen | None:
        """Return the entry that made a path which exists.

        None is returned if no layer that is known has it.
        """
        found: Seen | None = None
        for position in range(len(self.layers) - 1, -1, -1):
            listing = self.listing(position)
            if listing is None:
                continue
            entry = listing.index.get(path)
            if entry is None:
                if found is not None and _hides(listing, path):
                    return found
                continue
            if found is not None and not self._is_same_directory(found, position, entry):
                return found
            found = Seen(position, entry)
            if not listing.is_dir(entry) or entry in listing.opaque or _hides(listing, path):
                return found
        return found

    def beneath(self, path: str, seen: Seen) -> Seen | None:
        """Return the entry of a lower layer whose bytes a layer holds again under the same path.

        None is returned if it holds others, or if they are not known: digests of base layers are
        not, unless somebody read their files.
        """
        listing = self.listing(seen.layer)
        digest = b"" if listing is None else listing.digest(seen.entry)
        if listing is None or not digest or _hides(listing, path):
            return None
        for position in range(seen.layer - 1, -1, -1):
            lower = self.listing(position)
            entry = None if lower is None else lower.index.get(path)
            if lower is None or (entry is None and _hides(lower, path)):
                return None
            if entry is not None:
                return Seen(position, entry) if lower.digest(entry) == digest else None
        return None

    def _is_same_directory(self, above: Seen, position: int, entry: int) -> bool:
        one, other = self.listing(above.layer), self.listing(position)
        return (
            one is not None
            and other is not None
            and (_attributes(one, above.entry) == _attributes(other, entry))
        )


def _hides(listing: Listing, path: str) -> bool:
    """Tell whether a layer hides what is below it at a path, by what it has above that."""
    parent = path.rpartition("/")[0]
    while parent:
        entry = listing.index.get(parent)
        if entry is not None and (not listing.is_dir(entry) or entry in listing.opaque):
            return True
        parent = parent.rpartition("/")[0]
    return -1 in listing.opaque


def _attributes(listing: Listing, entry: int) -> tuple[object, ...]:
    owner = listing.uids[entry], listing.gids[entry]
    return (listing.modes[entry], *owner, listing.xattrs.get(entry))


class Provenance:
    """Answers where paths of one image came from.

    Args:
        record: Of its build.
        origins: Of its copies, by name.
        listings: Finds the entries of a layer, None if they are not known.
        reads: Of its steps that were traced, by name.

    Attributes:
        watch: Notes whose sizes and bytes are looked at.
    """

    def __init__(
        self,
        record: BuildRecord,
        origins: Mapping[str, CopyOrigins],
        listings: Callable[[LayerId], Listing | None],
        reads: Mapping[str, StepReads] | None = None,
    ) -> None:
        self.record = record
        self.watch = Watch()
        self._origins = origins
        self._listings = listings
        self._reads = reads or {}
        self._stacks: dict[int, StackFiles] = {}

    def files(self, stage: int) -> StackFiles:
        """Return the files of a stage's root file system."""
        known = self._stacks.get(stage)
        if known is None:
            known = self._stacks[stage] = StackFiles(self.record.stack(stage), self._listing)
        return known

    def _listing(self, layer: LayerId) -> Listing | None:
        found = self._listings(layer)
        if found is None:
            self.watch.missed()
            return None
        return self.watch.listing(layer, found)

    @property
    def image(self) -> StackFiles:
        """The files of the image."""
        return self.files(self.record.target)

    def chain(self, path: str) -> Chain:
        """Return the chain of a path that the image has.

        Args:
            path: Absolute, links not followed.
        """
        links: list[Link] = []
        at, stage = path, self.record.target
        holder = self.image.holder(at)
        while len(links) < MAX_LINKS:
            if holder is None:
                links.append(Link(at, Way.LOST, stage=stage))
                break
            files = self.files(stage)
            layer = files.layers[holder.layer]
            link, origin = self.link(stage, holder.layer, at)
            beneath = files.beneath(at, holder) if layer.step.kind is StepKind.RUN else None
            if beneath is not None:
                links.append(msgspec.structs.replace(link, way=Way.METADATA))
                holder = beneath
                continue
            links.append(link)
            if origin is None:
                if self.is_forgotten(layer.step):
                    links.append(Link(at, Way.LOST))
                break
            following = self.source_stage(layer, origin.source)
            if following < 0:
                links.append(self._outside(layer.step, origin))
                break
            at, stage = origin.path, following
            holder = self.files(stage).holder(at)
        return Chain(path, tuple(links))

    def link(self, stage: int, position: int, path: str) -> tuple[Link, Origin | None]:
        """Return the link of a path in a layer of a stage, and where it was copied from."""
        layer = self.files(stage).layers[position]
        step, instruction = layer.step, layer.instruction
        origins = self.origins(step)
        origin = origins.find(path) if origins is not None else None
        link = Link(
            path=path,
            way=_WAYS[step.kind],
            stage=layer.stage,
            layer=layer.layer,
            position=position,
            line=instruction.line,
            end_line=instruction.end_line,
            instruction=instruction.instruction,
            detail=step.detail,
            step=instruction.step,
        )
        return link, origin

    def origins(self, step: StepRecord) -> CopyOrigins | None:
        """Return the origins of a COPY, None for another step, or if they are not known."""
        return self._origins.get(step.origins) if step.origins else None

    def reads(self, step: StepRecord) -> StepReads | None:
        """Return what a RUN read of copied files, None if it was not traced."""
        return self._reads.get(step.reads) if step.reads else None

    def is_forgotten(self, step: StepRecord) -> bool:
        """Tell whether a COPY's origins are not known, as those of an older version's layers."""
        return step.kind is StepKind.COPY and step.origins not in self._origins

    def source_stage(self, layer: StackLayer, source: CopiedSource) -> int:
        """Return the stage that a COPY's source is of; -1 for one from outside of all stages."""
        number = source.input
        if number < 0 or self.record.steps[layer.step.inputs[number]].kind in _FILES:
            return -1
        return layer.instruction.source

    def outside(self, step: StepRecord, source: CopiedSource) -> StepRecord | None:
        """Return what a COPY from outside of all stages read; None is a heredoc."""
        number = source.input
        return None if number < 0 else self.record.steps[step.inputs[number]]

    def _outside(self, step: StepRecord, origin: Origin) -> Link:
        """Return the last link of a path that came from outside of all stages."""
        source = origin.source
        outside = self.outside(step, source)
        if outside is None:
            return Link(source.root, Way.HEREDOC)
        number = step.inputs[source.input]
        way = Way.IMAGE if outside.kind is StepKind.IMAGE else _WAYS[outside.kind]
        return Link(origin.path, way, detail=outside.detail, member=origin.member, step=number)


_FILES = {StepKind.CONTEXT, StepKind.URL, StepKind.GIT}
_WAYS = {
    StepKind.IMAGE: Way.BASE,
    StepKind.RUN: Way.RUN,
    StepKind.COPY: Way.COPY,
    StepKind.WORKDIR: Way.WORKDIR,
    StepKind.CONTEXT: Way.CONTEXT,
    StepKind.URL: Way.URL,
    StepKind.GIT: Way.GIT,
}

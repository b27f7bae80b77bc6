"""Follows files of an image back to what produced them, many at once, and adds up.

In:  a ``Provenance``, the files of its image.
Out: sums by route, by image and by source of a COPY; which files of stages were passed.

``Provenance.chain`` says more about one path. Here files that one layer shows in one directory go
together as long as they have one way: what is asked is asked for all of them at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from jettison.fs.listing import empty_listing
from jettison.fs.visible import Seen, SeenFiles
from jettison.provenance.chain import MAX_LINKS, Provenance, StackFiles
from jettison.provenance.origin import CopiedSource, CopyOrigins
from jettison.provenance.record import StackLayer, StepKind

Reached = dict[tuple[int, int], set[int]]
"""Files that were passed: first entries of inodes, by stage and number of layer."""

Sums = dict[tuple[Any, ...], tuple[int, int]]
"""Bytes and files by some key."""


class ProducedFiles(NamedTuple):
    """Files of the image that end their chains at one place.

    Args:
        directory: Where the image has them.
        names: In that.
        sizes: Their bytes, in the same order.
        stage: The stage that produced them, or that is FROM the image that they came with; -1 for
            an image that is only copied from.
        image: Reference of that image; empty for what a stage produced.
        line: Of the instruction that produced them, or of the FROM or COPY of the image.
    """

    directory: str
    names: Sequence[str]
    sizes: Sequence[int]
    stage: int
    image: str
    line: int


Produced = Callable[[ProducedFiles], None]


def add_to(sums: Sums, key: tuple[Any, ...], sizes: Sequence[int]) -> None:
    """Add files to the sum of a key."""
    size, files = sums.get(key, (0, 0))
    sums[key] = size + sum(sizes), files + len(sizes)


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

    def take(self, sizes: Sequence[int]) -> None:
        """Count files that came from here."""
        self.bytes += sum(sizes)
        self.files += len(sizes)


class _Layer:
    """A layer of a stage, with what is asked of its files."""

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
        self.parents = {path.rpartition("/")[0] for path in self._rules}
        self.sources = [_copied(provenance, layer, each) for each in origins.sources]

    def exact(self, path: str) -> _Copied | None:
        """Return the source that a path itself was copied from, None if no rule names it."""
        index = self._rules.get(path)
        return None if index is None else self.sources[index]

    def copied(self, directory: str) -> _Copied | None:
        """Return the source that files in a directory came from, None if the instruction made them.

        Those that a rule names themselves are others.
        """
        if not self._rules:
            return None
        prefix = directory
        while prefix and prefix not in self._rules:
            prefix = prefix.rpartition("/")[0]
        index = self._rules.get(prefix)
        return None if index is None else self.sources[index]


def _copied(provenance: Provenance, layer: StackLayer, source: CopiedSource) -> _Copied:
    stage = provenance.source_stage(layer, source)
    outside = provenance.outside(layer.step, source) if stage < 0 else None
    if outside is None:
        return _Copied(layer, source, stage, "", image=False)
    is_image = outside.kind is StepKind.IMAGE
    return _Copied(layer, source, stage, outside.detail, image=is_image)


class _Group(NamedTuple):
    """Files on their way back.

    Args:
        stage: Where they are now.
        position: Number of their layer in that stage.
        directory: Where they are there.
        names: In that.
        entries: In the listing of the layer.
        place: Directory of the image that they are of.
        finals: Their names in it.
        sizes: Their bytes.
        passed: The stages that they came through.
        links: How many places they have been at.
    """

    stage: int
    position: int
    directory: str
    names: list[str]
    entries: list[int]
    place: str
    finals: list[str]
    sizes: list[int]
    passed: tuple[int, ...] = ()
    links: int = 0

    def part(self, chosen: Sequence[int], **changes: Any) -> _Group:  # noqa: ANN401 - fields
        """Return some of the files, by number."""
        return self._replace(
            names=[self.names[each] for each in chosen],
            entries=[self.entries[each] for each in chosen],
            finals=[self.finals[each] for each in chosen],
            sizes=[self.sizes[each] for each in chosen],
            **changes,
        )


class Follower:
    """Follows files, and adds up.

    Args:
        provenance: Of the image.
        produced: Called with the files that end their chains at one place.

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

    def follow(self, files: SeenFiles) -> None:
        """Follow files of the image to their producers."""
        listing = self._provenance.image.visible.layers[files.layer]
        sizes = list(map(listing.sizes.__getitem__, files.entries))
        target = self._provenance.record.target
        place, names = files.directory, files.names
        pending = [_Group(target, files.layer, place, names, files.entries, place, names, sizes)]
        while pending:
            pending += self._step(pending.pop())

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

    def _step(self, group: _Group) -> Iterator[_Group]:
        """Go one place back; yield those that have not arrived, in groups that have one way."""
        files = self._provenance.files(group.stage)
        layer = self._of(group.stage, files)[group.position]
        listing = files.listing(group.position) or empty_listing()
        if listing.links:
            first = listing.links
            group = group._replace(entries=[first.get(each, each) for each in group.entries])
        layer.reached.update(group.entries)
        if layer.is_base:
            self._from_image(group, layer.stage, layer.detail, layer.line)
            return
        group = group._replace(passed=(*group.passed, layer.stage), links=group.links + 1)
        if group.directory in layer.parents:
            group, named = _split(group, layer)
            for one, source in named:
                yield from self._copied_from(one, source, layer, source.root)
        if not group.names:
            return
        copied = layer.copied(group.directory)
        if copied is not None:
            directory = copied.root + group.directory[copied.cut :]
            yield from self._copied_from(group, copied, layer, f"{directory}/{group.names[0]}")
        elif layer.is_run and group.position:
            yield from self._changed(group, files, layer)
        else:
            self._made(group, layer)

    def _copied_from(
        self, group: _Group, source: _Copied, layer: _Layer, path: str
    ) -> Iterator[_Group]:
        """Go on in the source of a copy, where the first of the files has a path."""
        source.take(group.sizes)
        if source.image:
            self._from_image(group, -1, source.outside, layer.line)
            return
        if source.stage < 0 or group.links >= MAX_LINKS:
            self._end(group, layer.line)
            return
        directory, _, name = path.rpartition("/")
        names = group.names if name == group.names[0] else [name]
        group = group._replace(stage=source.stage, directory=directory, names=names)
        files = self._provenance.files(source.stage)
        wanted = list(range(len(names)))
        for position, index in files.indexes:
            found = [index.get(f"{directory}/{names[each]}") for each in wanted]
            there = [each for each, entry in zip(wanted, found, strict=True) if entry is not None]
            if there:
                entries = [entry for entry in found if entry is not None]
                yield group.part(there)._replace(position=position, entries=entries)
                wanted = [each for each, entry in zip(wanted, found, strict=True) if entry is None]
            if not wanted:
                return
        lost = group.part(wanted)
        add_to(self.lost, (), lost.sizes)
        self._end(lost, layer.line)

    def _changed(self, group: _Group, files: StackFiles, layer: _Layer) -> Iterator[_Group]:
        """Take files of a RUN: some may be those of a lower layer, with other modes or owners."""
        made = []
        for number, (name, entry) in enumerate(zip(group.names, group.entries, strict=True)):
            path = f"{group.directory}/{name}"
            beneath = files.beneath(path, Seen(group.position, entry))
            if beneath is None or group.links >= MAX_LINKS:
                made.append(number)
            else:
                one = group.part([number])
                yield one._replace(position=beneath.layer, entries=[beneath.entry])
        if made:
            self._made(group.part(made), layer)

    def _made(self, group: _Group, layer: _Layer) -> None:
        """Take files that an instruction made, or whose origin is not known any more."""
        if layer.is_forgotten:
            add_to(self.lost, (), group.sizes)
        self._end(group, layer.line)

    def _end(self, group: _Group, line: int) -> None:
        add_to(self.routes, group.passed, group.sizes)
        self._tell(group, group.passed[-1], "", line)

    def _from_image(self, group: _Group, stage: int, image: str, line: int) -> None:
        add_to(self.images, (image, stage), group.sizes)
        self._tell(group, stage, image, line)

    def _tell(self, group: _Group, stage: int, image: str, line: int) -> None:
        if self._produced is not None:
            self._produced(
                ProducedFiles(group.place, group.finals, group.sizes, stage, image, line)
            )

    def _of(self, stage: int, files: StackFiles) -> list[_Layer]:
        known = self._layers.get(stage)
        if known is None:
            known = []
            for position, each in enumerate(files.layers):
                reached = self.reached.setdefault((each.stage, position), set())
                known.append(_Layer(self._provenance, each, reached))
            self._layers[stage] = known
        return known


def _split(group: _Group, layer: _Layer) -> tuple[_Group, list[tuple[_Group, _Copied]]]:
    """Take apart the files that a rule of a copy names themselves."""
    named: list[tuple[_Group, _Copied]] = []
    others: list[int] = []
    for number, name in enumerate(group.names):
        source = layer.exact(f"{group.directory}/{name}")
        if source is None:
            others.append(number)
        else:
            named.append((group.part([number]), source))
    return (group.part(others), named) if named else (group, [])

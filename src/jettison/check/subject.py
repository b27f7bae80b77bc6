"""What rules know of one built image: its files, its config, where all of it came from.

In:  a ``Provenance``, the config, root file systems.
Out: ``Subject``.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from jettison.analysis.rootfs import Rootfs
from jettison.check.layer_facts import NO_LAYER_FACTS, LayerFact, LayerFacts, digest_of
from jettison.check.record import without_times
from jettison.check.secrets import NO_SECRET_FACTS, SecretFacts
from jettison.errors import Span
from jettison.fs.watched import without_sizes
from jettison.oci.config import ContainerConfig
from jettison.oci.platform import Platform
from jettison.provenance.chain import Chain, Provenance, Way
from jettison.provenance.record import BuildRecord, StageRecord

if TYPE_CHECKING:
    from jettison.analysis.entry.reached import Reached

T = TypeVar("T")

FindRoot = Callable[[int], Rootfs | None]
"""Finds the root file system of a stage at its end by its index; None if it is not here."""


class Copied(msgspec.Struct, frozen=True):
    """How a path came into the image's stage: the last copy on its chain.

    Args:
        path: Where it is now.
        source: Where it was.
        stage: Index of the stage that it was in; -1 for another image, or what is outside.
        name: Name of that stage, image or context, for people.
        line: First line of the COPY.
        end_line: Last line.
        is_context: Whether it came from a build context, a URL or a heredoc.
    """

    path: str
    source: str
    stage: int
    name: str
    line: int
    end_line: int
    is_context: bool = False

    @property
    def span(self) -> Span:
        """The COPY in the Dockerfile."""
        return Span(self.line, end_line=self.end_line)


class Subject:
    """One image and all that is known of its build.

    Args:
        provenance: Of its build; of an image from elsewhere one that knows its history only.
        config: Its config.
        platform: What it is for.
        image: Its root file system; None to find it when it is asked for.
        find_root: Finds those of its stages.
        secrets: What was found out about secrets in it.
        history: What its history says of each instruction.
        layer_facts: Keeps what is found out about layers.
    """

    def __init__(
        self,
        provenance: Provenance,
        config: ContainerConfig,
        platform: Platform,
        image: Rootfs | None,
        find_root: FindRoot,
        secrets: SecretFacts = NO_SECRET_FACTS,
        history: tuple[str, ...] = (),
        layer_facts: LayerFacts = NO_LAYER_FACTS,
    ) -> None:
        self.provenance = provenance
        self.config = config
        self.platform = platform
        self.secrets = secrets
        self.history = history
        self._find_root = find_root
        self._layer_facts = layer_facts
        self._roots: dict[int, Rootfs | None] = {}
        if image is not None:
            self._roots[provenance.record.target] = image
        self._facts: dict[Callable[[Subject], Any], Any] = {}
        self._of_sizes: set[Callable[[Subject], Any]] = set()

    @cached_property
    def record(self) -> BuildRecord:
        """The build: stages, steps, lines, the Dockerfile's text; times as ``without_times``."""
        return without_times(self.provenance.record)

    @cached_property
    def image(self) -> Rootfs:
        """Its root file system.

        Raises:
            LookupError: it is not here.
        """
        found = self.stage(self.record.target)
        if found is None:
            raise LookupError("the files of the image are not here")
        return found

    @property
    def final(self) -> StageRecord:
        """The stage that the image is."""
        return self.record.stages[self.record.target]

    @cached_property
    def environment(self) -> Mapping[str, str]:
        """The config's environment."""
        pairs = (each.partition("=") for each in self.config.env)
        return {name: value for name, _, value in pairs}

    @cached_property
    def reached(self) -> Reached:
        """The files that the image starts, in the order in which they are reached."""
        from jettison.analysis.entry.walk import reached  # noqa: PLC0415 - seldom in rules that run again

        return reached(self.image.files, self.config)

    @property
    def was_built(self) -> bool:
        """Whether it was built here: else no line of a Dockerfile is known."""
        return bool(self.record.source or self.record.dockerfile)

    def stage(self, index: int) -> Rootfs | None:
        """Return the root file system of a stage at its end, None if it is not here."""
        if index not in self._roots:
            found = self._roots[index] = self._find_root(index)
            if found is None and self.record.stages[index].needed:
                self.provenance.watch.missed()
        return self._roots[index]

    def fact(self, find: Callable[[Subject], T]) -> T:
        """Return what a finder finds; it is called once."""
        if find in self._facts:
            found: T = self._facts[find]
            if find in self._of_sizes:
                self.provenance.watch.all()  # who gets it depends on them as well
            return found
        before = self.provenance.watch.count
        found = self._facts[find] = find(self)
        if self.provenance.watch.count != before:
            self._of_sizes.add(find)
        return found

    @property
    def sizes_seen(self) -> int:
        """How many times sizes of all files of a layer were asked for until now."""
        return self.provenance.watch.count

    def of_layer(self, fact: LayerFact[T], stage: int, position: int) -> T | None:
        """Return a fact of a layer; None if its entries are not known.

        Args:
            fact: It.
            stage: Index of the stage in whose root file system the layer is.
            position: Its number there.
        """
        files = self.provenance.files(stage)
        layer = files.layers[position].layer
        found = self._layer_facts.get(layer, fact)
        if found is None:
            listing = files.listing(position)
            if listing is not None:
                found = fact.find(listing.plain if fact.of_sizes else without_sizes(listing))
                self._layer_facts.keep(layer, fact, found)
        if fact.of_sizes and found is not None:
            self.provenance.watch.fact(layer, fact.name, digest_of(found))
        return found

    def chain(self, path: str) -> Chain:
        """Return where a path of the image came from; see ``Provenance.chain``."""
        return self.provenance.chain(path)

    def copied(self, path: str) -> Copied | None:
        """Return the copy that brought a path, None if no copy did.

        Args:
            path: Of the image, links not followed.
        """
        links = self.chain(path).links
        for link, following in itertools.pairwise(links):
            if link.way is Way.METADATA:
                continue
            if link.way is not Way.COPY:
                return None
            outside = following.stage < 0
            name = following.detail
            if not outside:
                name = self.record.stages[following.stage].label
            return Copied(
                path=path,
                source=following.path,
                stage=following.stage,
                name=name,
                line=link.line,
                end_line=link.end_line,
                is_context=outside and following.way is not Way.IMAGE,
            )
        return None

    def is_new(self, path: str) -> bool:
        """Tell whether a step of this build put a path into the image, or changed it."""
        files = self.provenance.image
        seen = files.visible.entries.get(path)
        if seen is None:
            return False
        if files.visible.layers[seen.layer].is_dir(seen.entry):
            seen = files.holder(path) or seen  # the topmost layer may only put something into it
        return not files.layers[seen.layer].is_base

    def span_of(self, path: str) -> Span | None:
        """Return the instruction of the image's stages that put a path there, None without one."""
        link = self.chain(path).links[0]
        return Span(link.line, end_line=link.end_line) if link.line else None

    @property
    def end(self) -> int:
        """Last line of the final stage: what is inserted behind it still belongs to it."""
        lines = [step.end_line for step in self.final.steps]
        later = [each.line for each in self.record.stages if each.line > self.final.line]
        last = max([self.final.line, *lines])
        return max(last, min(later) - 1) if later else max(last, self._source_lines)

    @cached_property
    def _source_lines(self) -> int:
        return len(self.record.source.rstrip("\n").split("\n")) if self.record.source else 0

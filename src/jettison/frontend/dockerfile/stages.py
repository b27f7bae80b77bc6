"""The stage graph: every FROM block, what it is built on, and what it copies or mounts from.

In:  a parsed file, the global scope, named contexts.
Out: ``StageGraph``: stages with names resolved; which of them a target needs.

A name means, in this order: a named context (by stage name), an earlier stage, ``scratch``, a
named context (by image name), an image. Only FROM is limited to earlier stages when names are
resolved; a COPY from a later stage is an error when it is lowered, a cycle at once.

Source: Dockerfile reference, "FROM", "COPY --from"; BuildKit (precedence, messages).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from jettison.errors import (
    ExpansionError,
    InvalidReferenceError,
    Span,
    StageGraphError,
    UsageError,
)
from jettison.frontend.base import NamedContext
from jettison.frontend.dockerfile.contexts import SCRATCH, ContextBase, Contexts
from jettison.frontend.dockerfile.mounts import mount_from
from jettison.frontend.dockerfile.syntax import Copy, From, Instruction, OnBuild, Run
from jettison.frontend.dockerfile.text import did_you_mean
from jettison.frontend.dockerfile.words import expand
from jettison.located import located
from jettison.oci.platform import Platform, parse_platform
from jettison.oci.reference import parse_reference


class ImageBase(msgspec.Struct, frozen=True):
    """A base that is an image, by its normalised reference."""

    reference: str


class Step:
    """An instruction of a stage with the stages that it reads, aligned with its mounts for RUN.

    ``on_build`` tells a trigger of the base from an instruction of the file.
    """

    __slots__ = ("instruction", "on_build", "sources")

    def __init__(
        self, instruction: Instruction, sources: tuple[Stage | None, ...], *, on_build: bool = False
    ) -> None:
        self.instruction = instruction
        self.sources = sources
        self.on_build = on_build


class Stage:
    """A FROM block, or (``index`` -1) something outside the file that it copies or mounts from.

    Args:
        name: In lower case, empty without ``AS``.
        base_name: What FROM names, expanded.
        platform: What ``--platform`` says.
        base: The stage that it is built on.
        origin: Where its files come from when ``base`` is None; None is scratch.
    """

    __slots__ = (
        "base",
        "base_name",
        "index",
        "name",
        "origin",
        "platform",
        "span",
        "steps",
        "triggered",
        "used_by",
    )

    def __init__(self, index: int, name: str, base_name: str, span: Span) -> None:
        self.index = index
        self.name = name
        self.base_name = base_name
        self.span = span
        self.platform: Platform | None = None
        self.base: Stage | None = None
        self.origin: ContextBase | ImageBase | None = None
        self.steps: list[Step] = []
        self.triggered = False
        self.used_by: list[tuple[int, str]] = []

    @property
    def label(self) -> str:
        """The name, or ``stage-N``."""
        return self.name or f"stage-{self.index}"

    @property
    def is_scratch(self) -> bool:
        """Whether it begins with nothing, by name or as a named context."""
        if isinstance(self.origin, ContextBase):
            return self.origin.is_scratch
        return self.base is None and self.origin is None

    def needs(self) -> Iterator[Stage]:
        """Yield the stages that it reads, the base first."""
        if self.base is not None:
            yield self.base
        for step in self.steps:
            for source in step.sources:
                if source is not None:
                    yield source


class StageGraph:
    """All stages of a file; grows when bases turn out to have ONBUILD triggers.

    Args:
        contexts: Named contexts by the names that the request gives.
        platform: What the image is for.
        escape: The escape character of the file.

    ``external_count`` counts what is read from outside of the file's stages, cache mounts
    included: with any, BuildKit shows the label even of an only stage.
    """

    def __init__(
        self, contexts: Mapping[str, NamedContext], platform: Platform, escape: str
    ) -> None:
        self.stages: list[Stage] = []
        self.external_count = 0
        self._by_name: dict[str, Stage] = {}
        self._external: dict[str, Stage] = {}
        self._escape = escape
        self._contexts = Contexts(contexts, platform)

    def add(self, instruction: From, global_values: Mapping[str, str]) -> Stage:
        """Add the stage that a FROM begins.

        Raises:
            ExpansionError, StageGraphError: the base or platform cannot be understood.
        """
        with located(instruction.span):
            image = expand(instruction.image, global_values, self._escape).text
            if not image:
                raise StageGraphError(
                    f"base name ({instruction.image}) should not be blank",
                    hint="declare the ARG before the first FROM and give it a default",
                )
            stage = Stage(len(self.stages), instruction.stage_name, image, instruction.span)
            if instruction.platform:
                stage.platform = self._parse_platform(instruction.platform, global_values)
            named = self._contexts.find(stage.name, stage.platform) if stage.name else None
            if named is not None:
                stage.origin = named
            else:
                stage.base = self._by_name.get(image) or self._by_name.get(image.lower())
                if stage.base is None:
                    stage.origin = self._origin(image, stage.platform)
                else:
                    stage.base.used_by.append((stage.index, "FROM"))
        self.stages.append(stage)
        if stage.name:
            self._by_name[stage.name] = stage
        return stage

    def connect(self, stage: Stage, instructions: Iterable[Instruction]) -> None:
        """Give a stage its instructions; call it when all stages are added.

        The instructions of a stage that a named context replaces are dropped.
        """
        if self.is_replaced(stage):
            return
        stage.steps = [self._step(stage, each) for each in instructions]

    def trigger(self, stage: Stage, triggers: Sequence[Instruction]) -> None:
        """Put the ONBUILD triggers of its base before a stage's instructions."""
        steps = [self._step(stage, each, on_build=True) for each in triggers]
        stage.steps = [*steps, *stage.steps]

    def own_triggers(self, stage: Stage) -> list[OnBuild]:
        """Return the ONBUILD instructions of a stage."""
        return [each.instruction for each in stage.steps if isinstance(each.instruction, OnBuild)]

    def target(self, name: str) -> Stage:
        """Return the stage of that name or index; the last one for an empty name.

        Raises:
            StageGraphError: no such stage.
        """
        if not name:
            return self.stages[-1]
        found = self._by_name.get(name.lower()) or self._by_index(name)
        if found is None:
            similar = did_you_mean(name, [each.label for each in self.stages], ignore_case=True)
            raise StageGraphError(
                f'target stage "{name}" could not be found{similar}',
                hint=self._stage_names_hint(),
            )
        return found

    def label(self, stage: Stage) -> str:
        """Return how steps name the stage: empty when it is the only one."""
        return "" if len(self.stages) == 1 and not self.external_count else stage.label

    def reachable(self, target: Stage) -> list[Stage]:
        """Return what a target needs, itself included: file stages in order, then others."""
        seen: dict[int, Stage] = {}
        todo = [target]
        while todo:
            stage = todo.pop()
            if id(stage) not in seen:
                seen[id(stage)] = stage
                todo += stage.needs()
        return sorted(seen.values(), key=lambda each: (each.index < 0, each.index))

    def check_cycles(self) -> None:
        """Raise a ``StageGraphError`` when stages copy or mount from each other in a cycle."""
        done: set[int] = set()
        for root in self.stages:
            path: list[tuple[Stage, Iterator[tuple[Stage, Step]]]] = [(root, _edges(root))]
            steps: list[Step] = []
            on_path = {id(root)}
            while path:
                stage, edges = path[-1]
                edge = next(edges, None)
                if edge is None:
                    path.pop()
                    on_path.discard(id(stage))
                    done.add(id(stage))
                    del steps[len(path) - 1 if path else 0 :]
                    continue
                source, step = edge
                if id(source) in on_path:
                    names = [each.label for each, _ in path] + [source.label]
                    raise StageGraphError(
                        f"circular dependency detected on stage: {root.label}",
                        hint=f"break the circle {' -> '.join(names)}",
                        span=(steps[0] if steps else step).instruction.span,
                    )
                if id(source) not in done:
                    path.append((source, _edges(source)))
                    steps.append(step)
                    on_path.add(id(source))

    def _step(self, stage: Stage, instruction: Instruction, *, on_build: bool = False) -> Step:
        sources: tuple[Stage | None, ...] = ()
        with located(instruction.span):
            if isinstance(instruction, Copy) and instruction.from_name:
                sources = (self._copy_source(stage, instruction),)
            elif isinstance(instruction, Run) and instruction.mounts:
                sources = tuple(
                    self._mount_source(stage, text, instruction) for text in instruction.mounts
                )
        return Step(instruction, sources, on_build=on_build)

    def _copy_source(self, stage: Stage, instruction: Copy) -> Stage:
        name = instruction.from_name
        try:
            literal = expand(name, {}, self._escape).text == name
        except ExpansionError:
            literal = False
        if not literal:
            raise StageGraphError(
                "variable expansion is not supported for --from, define a new stage with FROM"
                " using ARG from global scope as a workaround"
            )
        if re.fullmatch(r"[+-]?[0-9]+", name):
            found = self._by_index(name)
            if found is None:
                raise StageGraphError(f"invalid stage index {name}", hint=self._stage_names_hint())
        else:
            found = self._by_name.get(name.lower()) or self._outside(name, instruction.span)
        found.used_by.append((stage.index, "COPY --from"))
        return found

    def _mount_source(self, stage: Stage, text: str, instruction: Run) -> Stage | None:
        """Return what a mount is of; None is the build context, or nothing at all."""
        name = mount_from(text)
        if name is None:
            if "type=cache" in text:
                self.external_count += 1
            return None
        found = self._by_name.get(name.lower()) or self._by_index(name)
        found = found or self._outside(name, instruction.span)
        found.used_by.append((stage.index, "RUN --mount"))
        return found

    def _outside(self, name: str, span: Span) -> Stage:
        """Return the image or named context that a name means, as a stage without steps."""
        self.external_count += 1
        found = self._external.get(name)
        if found is None:
            found = Stage(-1, "", name, span)
            found.triggered = True
            found.origin = self._origin(name, None)
            self._external[name] = found
        return found

    def _origin(self, name: str, platform: Platform | None) -> ContextBase | ImageBase | None:
        if name == SCRATCH:
            return None
        try:
            reference = str(parse_reference(name))
        except InvalidReferenceError as error:
            raise StageGraphError(
                f'failed to parse stage name "{name}": {error.message}',
                hint=error.hint or self._stage_names_hint(),
            ) from error
        return self._contexts.find(name, platform) or ImageBase(reference)

    def is_replaced(self, stage: Stage) -> bool:
        """Tell whether a named context has the stage's own name."""
        if not stage.name or not isinstance(stage.origin, ContextBase):
            return False
        return self._contexts.find(stage.name, stage.platform) == stage.origin

    def _by_index(self, text: str) -> Stage | None:
        if not (text.isascii() and text.isdecimal()) or len(text) > 6:
            return None
        index = int(text)
        return self.stages[index] if index < len(self.stages) else None

    def _parse_platform(self, text: str, global_values: Mapping[str, str]) -> Platform:
        value = expand(text, global_values, self._escape).text
        if not value:
            raise StageGraphError(
                f"empty platform value from expression {text}",
                hint="write it like linux/arm64, or use $BUILDPLATFORM or $TARGETPLATFORM",
            )
        try:
            return parse_platform(value)
        except UsageError as error:
            raise StageGraphError(
                f"failed to parse platform {text}: {error.message}", hint=error.hint
            ) from error

    def _stage_names_hint(self) -> str:
        names = [each.name for each in self.stages if each.name]
        return f"stages of this file: {', '.join(names)}" if names else "no stage has a name"


def _edges(stage: Stage) -> Iterator[tuple[Stage, Step]]:
    for step in stage.steps:
        for source in step.sources:
            if source is not None:
                yield source, step

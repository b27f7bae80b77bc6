"""The file under check: its stages, what each instruction sees, and what is known besides.

In:  a parsed ``Dockerfile`` and ``LintContext``.
Out: ``LintFile``, which rules read. Expansions are done once and kept.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from typing import TypeVar

import msgspec

from jettison.errors import ExpansionError, FrontendError, Span
from jettison.frontend.dockerfile import scope, syntax
from jettison.frontend.dockerfile.mounts import parse_mount
from jettison.frontend.dockerfile.parser import parse_trigger
from jettison.frontend.dockerfile.scope import Scope
from jettison.frontend.dockerfile.syntax import Arg, Dockerfile, From, Instruction
from jettison.frontend.dockerfile.words import Expanded, expand
from jettison.oci.platform import Platform, normalise

T = TypeVar("T")
_DEFAULT_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_AMD64 = normalise("linux", "amd64")


class ImageFacts(msgspec.Struct, frozen=True):
    """What rules want to know of a base image.

    ``environment`` is ``NAME=value`` texts; ``has_shell`` tells whether its config has a SHELL;
    ``on_build`` are its triggers.
    """

    environment: tuple[str, ...] = ()
    has_shell: bool = False
    on_build: tuple[str, ...] = ()
    platform: Platform | None = None


class LintContext(msgspec.Struct, frozen=True):
    """What is known beyond the text; every field may be left out.

    Args:
        build_args: ``--build-arg``.
        platform: What is built for.
        build_platform: What is built on.
        target: The target stage's name, empty for the last one.
        stages: Indices of the stages to check; None is all.
        image: Returns facts of an image by reference and platform, None when they are not known.
        is_ignored: Tells whether the ignore file excludes a context path; None without one.
        files_follow: Whether what the stages make will be checked, too.
    """

    build_args: Mapping[str, str] = {}
    platform: Platform = _AMD64
    build_platform: Platform = _AMD64
    target: str = ""
    stages: Collection[int] | None = None
    image: Callable[[str, Platform], ImageFacts | None] | None = None
    is_ignored: Callable[[str], bool] | None = None
    files_follow: bool = False


class LintStep:
    """An instruction of a stage with what it sees.

    ``values`` are the variables that have a value, ``declared`` the names of all ARGs.
    ``unmatched`` are variables that it uses and that nothing declares.
    """

    __slots__ = ("_escape", "declared", "instruction", "unmatched", "values")

    def __init__(
        self,
        instruction: Instruction,
        values: Mapping[str, str],
        declared: Collection[str],
        escape: str,
        *,
        is_complete: bool,
    ) -> None:
        self.instruction = instruction
        self.declared = declared
        self.values = values
        self._escape = escape
        used = _unmatched(instruction, values, escape) if is_complete else ()
        self.unmatched = tuple(name for name in used if name not in declared)

    def expand(self, word: str) -> str:
        """Expand a raw word; one that cannot be expanded stays as it is."""
        try:
            return expand(word, self.values, self._escape).text
        except ExpansionError:
            return word


class LintStage:
    """A FROM block.

    Args:
        index: Its place among the stages.
        first: Its FROM.
        image: The expanded name of its base.
        parent: The stage that it is built on, None on an image.

    ``instructions`` are those of the file; ``triggers`` come before them: what the base runs by
    ONBUILD, all at the place of FROM. ``steps`` are both.
    """

    __slots__ = (
        "facts",
        "first",
        "image",
        "index",
        "inherited",
        "instructions",
        "parent",
        "scope",
        "steps",
        "triggers",
    )

    def __init__(self, index: int, first: From, image: str, parent: LintStage | None) -> None:
        self.index = index
        self.first = first
        self.image = image
        self.parent = parent
        self.instructions: list[Instruction] = []
        self.triggers: list[Instruction] = []
        self.steps: tuple[LintStep, ...] = ()
        self.scope = Scope()
        self.facts: ImageFacts | None = parent.facts if parent is not None else None
        """Of the image at the end of the lineage; None when they are not known."""
        self.inherited: frozenset[str] = frozenset()
        """Names of the instructions in the stages below this one."""
        if parent is not None:
            self.inherited = parent.inherited | {each.name for each in parent.runs}

    @property
    def label(self) -> str:
        """The name, or ``stage-N``."""
        return self.first.stage_name or f"stage-{self.index}"

    @property
    def runs(self) -> Iterable[Instruction]:
        """The instructions in the order in which they count, triggers first."""
        return [*self.triggers, *self.instructions]

    @property
    def written(self) -> Iterable[Instruction]:
        """As ``runs``, with what the stage's own ONBUILD instructions say in their place."""
        for each in self.runs:
            if not isinstance(each, syntax.OnBuild):
                yield each
            elif each.trigger is not None:
                yield each.trigger


class LintFile:
    """A parsed file with its ``LintContext``."""

    def __init__(self, dockerfile: Dockerfile, context: LintContext) -> None:
        self._facts: dict[Callable[[LintFile], object], object] = {}
        self.dockerfile = dockerfile
        self.context = context
        self.globals: list[Arg] = []
        self._blocks: list[tuple[From, list[Instruction]]] = []
        for instruction in dockerfile.instructions:
            if isinstance(instruction, From):
                self._blocks.append((instruction, []))
            elif self._blocks:
                self._blocks[-1][1].append(instruction)
            elif isinstance(instruction, Arg):
                self.globals.append(instruction)

    def fact(self, find: Callable[[LintFile], T]) -> T:
        """Return what a function finds in the file; it is called once."""
        if find not in self._facts:
            self._facts[find] = find(self)
        return self._facts[find]  # type: ignore[return-value]

    @cached_property
    def platform_values(self) -> dict[str, str]:
        """The automatic platform arguments."""
        context = self.context
        target = context.target or (self._blocks[-1][0].stage_name if self._blocks else "")
        return scope.platform_arguments(context.build_platform, context.platform, target)

    @cached_property
    def global_values(self) -> dict[str, str]:
        """What FROM lines see."""
        return self.global_values_with(self.context.build_args)

    def global_values_with(self, build_args: Mapping[str, str]) -> dict[str, str]:
        """Return what FROM lines would see with other build arguments."""
        try:
            return scope.global_scope(
                self.platform_values,
                self.globals,
                build_args=build_args,
                escape=self.dockerfile.escape,
            )
        except FrontendError:
            return self.platform_values

    @cached_property
    def global_names(self) -> tuple[str, ...]:
        """Every name that FROM lines may use, with a value or without."""
        declared = (item.key for arg in self.globals for item in arg.items)
        return tuple(dict.fromkeys([*self.global_values, *declared]))

    def expand_global(self, text: str, values: Mapping[str, str] | None = None) -> Expanded | None:
        """Expand raw text of a FROM; None if it cannot be expanded."""
        try:
            return expand(
                text, self.global_values if values is None else values, self.dockerfile.escape
            )
        except ExpansionError:
            return None

    @cached_property
    def stages(self) -> tuple[LintStage, ...]:
        """All stages in file order."""
        stages: list[LintStage] = []
        names: dict[str, LintStage] = {}
        for first, instructions in self._blocks:
            expanded = self.expand_global(first.image)
            image = expanded.text if expanded is not None else ""
            stage = LintStage(len(stages), first, image, names.get(image.lower()))
            stage.instructions = instructions
            stages.append(stage)
            if first.stage_name:
                names[first.stage_name] = stage
            self._walk(stage)
        return tuple(stages)

    @property
    def checked_stages(self) -> tuple[LintStage, ...]:
        """The stages that the context asks for."""
        wanted = self.context.stages
        return tuple(each for each in self.stages if wanted is None or each.index in wanted)

    def exposed_ports(self) -> Iterator[tuple[str, Span]]:
        """Yield every expanded word of EXPOSE in the checked stages, and its instruction's span."""
        for stage in self.checked_stages:
            for step in stage.steps:
                instruction: Instruction | None = step.instruction
                if isinstance(instruction, syntax.OnBuild):
                    instruction = instruction.trigger
                if isinstance(instruction, syntax.Expose):
                    for word in instruction.ports:
                        for port in step.expand(word).split():
                            yield port, instruction.span

    def platform_of(self, stage: LintStage) -> Platform:
        """Return the platform that a stage's base image is wanted for."""
        flag = self.expand_global(stage.first.platform)
        if flag is not None and flag.text:
            parts = flag.text.split("/")
            if 2 <= len(parts) <= 3:
                return normalise(*parts)
        return self.context.platform

    def _walk(self, stage: LintStage) -> None:
        """Fill in what a stage's instructions see."""
        visible = self._begin(stage)
        stage.triggers = self._triggers(stage)
        values, declared = dict(visible.values), frozenset(visible.arguments)
        steps: list[LintStep] = []
        for instruction in stage.runs:
            step = LintStep(
                instruction,
                values,
                declared,
                self.dockerfile.escape,
                is_complete=stage.facts is not None,
            )
            steps.append(step)
            if isinstance(instruction, syntax.Env):
                pairs = [(step.expand(e.key), step.expand(e.value)) for e in instruction.pairs]
                with suppress(ExpansionError):  # the build tells of it
                    visible.set(pairs)
            elif isinstance(instruction, Arg):
                self._declare(visible, instruction)
            else:
                continue
            values, declared = dict(visible.values), frozenset(visible.arguments)
        stage.steps = tuple(steps)
        stage.scope = visible

    def _triggers(self, stage: LintStage) -> list[Instruction]:
        """Return what the base of a stage runs by ONBUILD; a wrong one is the build's to tell."""
        if not scope.runs_triggers(self.context.build_args):
            return []
        if stage.parent is not None:
            own = stage.parent.instructions
            texts = [each.expression for each in own if isinstance(each, syntax.OnBuild)]
        else:
            texts = list(stage.facts.on_build) if stage.facts is not None else []
        triggers: list[Instruction] = []
        for text in texts:
            try:
                triggers.append(parse_trigger(text, stage.first.span))
            except FrontendError:
                continue
        return triggers

    def _declare(self, visible: Scope, arg: Arg) -> None:
        try:
            visible.declare(
                arg,
                build_args=self.context.build_args,
                global_values=self.global_values,
                escape=self.dockerfile.escape,
            )
        except ExpansionError:
            visible.arguments.update({item.key: None for item in arg.items})

    def _begin(self, stage: LintStage) -> Scope:
        """Return the scope that a stage starts with; fill in the facts of its image."""
        if stage.parent is not None:
            return stage.parent.scope.copy()
        visible = Scope()
        visible.set_image_environment((_DEFAULT_PATH,))
        if stage.image == "scratch":
            stage.facts = ImageFacts()
        elif self.context.image is not None:
            stage.facts = self.context.image(stage.image, self.platform_of(stage))
        if stage.facts is not None:
            visible.set_image_environment(stage.facts.environment)
        return visible


def _unmatched(instruction: Instruction, values: Mapping[str, str], escape: str) -> tuple[str, ...]:
    """Return the variables that an instruction uses and that have no value, in order."""
    names: dict[str, None] = {}

    def look(word: str, *, quotes: bool = True) -> str:
        expanded = expand(word, values, escape, quotes=quotes)
        names.update(dict.fromkeys(sorted(expanded.unmatched)))
        return expanded.text

    try:
        for word in _words(instruction):
            look(word)
        if isinstance(instruction, syntax.Copy | syntax.Add):
            for heredoc in instruction.heredocs:
                if heredoc.expand:
                    look(heredoc.text, quotes=False)
        elif isinstance(instruction, syntax.Run):
            for mount in instruction.mounts:
                parse_mount(mount, look)
    except FrontendError:
        # The build tells it better, at the same place.
        return tuple(names)
    return tuple(names)


def _words(instruction: Instruction) -> Iterable[str]:
    """Return the raw words of an instruction that are expanded."""
    match instruction:
        case syntax.Env(pairs=pairs) | syntax.Label(pairs=pairs):
            return [text for pair in pairs for text in (pair.key, pair.value)]
        case Arg(items=items):
            return [text for item in items for text in (item.key, item.value or "")]
        case syntax.Copy(sources=sources, dest=dest, chown=chown, chmod=chmod):
            return [chown, chmod, *sources, dest]
        case syntax.Add(sources=sources, dest=dest, chown=chown, chmod=chmod, checksum=checksum):
            return [chown, chmod, checksum, *sources, dest]
        case syntax.Workdir(path=word) | syntax.User(user=word) | syntax.StopSignal(signal=word):
            return [word]
        case syntax.Volume(paths=words):
            return words
        case _:
            return ()

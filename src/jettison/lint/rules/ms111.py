"""MS111: settings that stay behind in the stage which has them.

In:  a ``LintFile``.
Out: findings.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator

from jettison.errors import Span
from jettison.findings.finding import Finding, Fix, FixKind, Severity
from jettison.frontend.dockerfile.shell import used_variables
from jettison.frontend.dockerfile.syntax import Cmd, Copy, Entrypoint, Env
from jettison.lint.file import LintFile, LintStage, LintStep
from jettison.lint.graph import lineage, readings, targets_of_build
from jettison.lint.own import OwnRule

_STARTS = frozenset({"CMD", "ENTRYPOINT"})


class MS111(OwnRule):
    r"""Settings that stay behind in the stage which has them.

    ## What it does
    Looks at stages that the target copies from, and finds what they have and the target lacks
    though it needs it: ENTRYPOINT or CMD of an image on `scratch`; the directory in PATH that
    was copied; the WORKDIR that a relative command starts from; variables that the command uses.
    HEALTHCHECK and EXPOSE of such a stage do nothing at all.

    ## Why is this bad
    COPY takes files, not settings. The image does not start, or starts something else.

    ## Example
        FROM debian:12 AS build
        RUN make -C /src
        ENTRYPOINT ["/app"]
        FROM scratch
        COPY --from=build /src/app /app

    ## Use instead
        FROM debian:12 AS build
        RUN make -C /src
        FROM scratch
        COPY --from=build /src/app /app
        ENTRYPOINT ["/app"]
    """

    name = "MS111"
    description = "Settings are in the stage that needs them"

    def check(self, file: LintFile) -> Iterable[Finding]:
        """Yield settings of stages that the target copies from and that it lacks."""
        for target in targets_of_build(file):
            own = lineage(target)
            sources: dict[int, LintStage] = {}
            for stage in own:
                for reading in readings(file, stage):
                    if isinstance(reading.instruction, Copy) and reading.stage is not None:
                        sources.setdefault(reading.stage.index, reading.stage)
            for source in sources.values():
                if source not in own:
                    yield from self._left_behind(target, source)

    def _left_behind(self, target: LintStage, source: LintStage) -> Iterator[Finding]:
        names = {each.name for stage in lineage(target) for each in stage.runs}
        if lineage(target)[0].image == "scratch" and not names & _STARTS:
            start = _last(source, _STARTS)
            if start is not None:
                yield self._missing(target, source, start.instruction.original, start)
        for name in ("HEALTHCHECK", "EXPOSE"):
            step = _last(source, {name})
            if step is not None and name not in names:
                yield self._missing(
                    target, source, step.instruction.original, step, severity=Severity.NOTE
                )
        yield from self._search_path(target, source)
        yield from self._of_command(target, source)

    def _search_path(self, target: LintStage, source: LintStage) -> Iterator[Finding]:
        """Yield directories that a stage has in PATH and that were copied to where they were."""
        copied = [path for path in _copied(target, source) if path.count("/") > 1]
        here = target.scope.values.get("PATH", "").split(":")
        for step in source.steps:
            instruction = step.instruction
            if not isinstance(instruction, Env):
                continue
            for pair in instruction.pairs:
                if pair.key != "PATH":
                    continue
                for directory in step.expand(pair.value).split(":"):
                    below = any(f"{directory}/".startswith(f"{path}/") for path in copied)
                    if below and directory not in here:
                        yield self._missing(target, source, f'ENV PATH="{directory}:$PATH"', step)

    def _of_command(self, target: LintStage, source: LintStage) -> Iterator[Finding]:
        """Yield what the command of the target needs: variables, and where it starts."""
        command = _last(target, _STARTS)
        if command is None or not isinstance(command.instruction, Cmd | Entrypoint):
            return
        start = command.instruction.command
        if not start.is_json:
            here = {*target.scope.values, *target.scope.arguments}
            for step in source.steps:
                pairs = step.instruction.pairs if isinstance(step.instruction, Env) else ()
                for pair in pairs:
                    if pair.key in used_variables(start.text) and pair.key not in here:
                        text = f"ENV {pair.key}={pair.value}"
                        yield self._missing(target, source, text, step, before=command)
        relative = bool(start.words) and re.match(r"\.\.?/", start.words[0]) is not None
        if relative and target.image == "scratch" and _last(target, {"WORKDIR"}) is None:
            workdir = _last(source, {"WORKDIR"})
            if workdir is not None:
                text = workdir.instruction.original
                yield self._missing(target, source, text, workdir, before=command)

    def _missing(
        self,
        target: LintStage,
        source: LintStage,
        text: str,
        step: LintStep,
        *,
        before: LintStep | None = None,
        severity: Severity | None = None,
    ) -> Finding:
        line = step.instruction.span.line
        end = _end_of(target) if before is None else before.instruction.span.line - 1
        first = text.partition("\n")[0]
        return self.found(
            f"`{first[:60]}` is in the stage `{source.label}` only, and not in `{target.label}`",
            Span(line, end_line=step.instruction.span.end_line),
            cause=(f"`{target.label}` copies files of `{source.label}`, which takes no settings",),
            fixes=(Fix(FixKind.INSERT, first, end),),
            severity=severity,
            stage=target.label,
        )


def _last(stage: LintStage, names: Iterable[str]) -> LintStep | None:
    """Return the last of some instructions in a stage's own lines."""
    found = [each for each in stage.steps if each.instruction.name in names]
    return found[-1] if found else None


def _copied(target: LintStage, source: LintStage) -> list[str]:
    """Return the paths that are copied from a stage to the same place."""
    found: list[str] = []
    for stage in lineage(target):
        for step in stage.steps:
            copy = step.instruction
            if isinstance(copy, Copy) and copy.from_name.lower() in {
                source.first.stage_name,
                str(source.index),
            }:
                dest = posixpath.normpath(step.expand(copy.dest))
                paths = [
                    posixpath.normpath("/" + step.expand(each).lstrip("/")) for each in copy.sources
                ]
                found += [path for path in paths if path == dest]
    return found


def _end_of(stage: LintStage) -> int:
    last = stage.instructions[-1] if stage.instructions else stage.first
    return max(last.span.line, last.span.end_line)

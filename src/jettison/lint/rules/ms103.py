"""MS103: stages that a build leaves out although something in them wants to run.

In:  a ``LintFile``.
Out: findings.
"""

from __future__ import annotations

from collections.abc import Iterable

from jettison.findings.finding import Finding, Severity
from jettison.findings.fix import advice
from jettison.frontend.dockerfile.commands import is_test
from jettison.frontend.dockerfile.syntax import Run
from jettison.lint.file import LintFile, LintStage
from jettison.lint.graph import needed, readings, targets_of_build
from jettison.lint.own import OwnRule


class MS103(OwnRule):
    r"""Stages that no image needs.

    ## What it does
    Finds stages that nothing reads and that the last stage does not need: those with tests in
    them, and those without a name. Other stages that nothing reads are taken for targets of their
    own, to be built with `--target`.

    ## Why is this bad
    A stage that the target does not need is not built. Tests in it do not run, and nobody sees
    that. A stage without a name can hardly be asked for.

    ## Example
        FROM golang:1.23 AS build
        RUN go build -o /app .
        FROM build AS tests
        RUN go test ./...
        FROM scratch
        COPY --from=build /app /app

    ## Use instead
        FROM golang:1.23 AS build
        RUN go build -o /app .
        FROM build AS tests
        RUN go test ./... && touch /passed
        FROM scratch
        COPY --from=tests /passed /
        COPY --from=build /app /app
    """

    name = "MS103"
    description = "What a stage tests is run by builds"
    severity = Severity.NOTE

    def check(self, file: LintFile) -> Iterable[Finding]:
        """Yield stages that are not built though they seem to be meant to."""
        if len(file.stages) < 2:
            return
        built = {
            stage.index
            for target in (*targets_of_build(file), file.stages[-1])
            for stage in needed(file, target)
        }
        read = {each.parent.index for each in file.stages if each.parent is not None}
        for stage in file.stages:
            read |= {
                each.stage.index
                for each in readings(file, stage)
                if each.stage is not None and each.stage is not stage
            }
        for stage in file.stages:
            if stage.index in built or stage.index in read:
                continue
            tests = _tests(stage)
            if tests:
                yield self.found(
                    f"No image needs the stage `{stage.label}`: its tests do not run",
                    stage.first.span,
                    cause=tuple(f"line {each.span.line}: {_line(each)}" for each in tests[:3]),
                    fixes=advice(
                        f"build it with --target {stage.label}, or copy a file that it makes"
                    ),
                    stage=stage.label,
                )
            elif not stage.first.stage_name and stage.instructions:
                yield self.found(
                    f"Nothing uses the stage that begins at line {stage.first.span.line},"
                    " and it has no name to build it by",
                    stage.first.span,
                    fixes=advice("give it a name with AS, or remove it"),
                    stage=stage.label,
                )


def _tests(stage: LintStage) -> list[Run]:
    runs = (each for each in stage.instructions if isinstance(each, Run))
    return [run for run in runs if is_test(run.original)]


def _line(run: Run) -> str:
    return run.original.partition("\n")[0][:80]

"""MS106: a last stage that takes nothing of what the others made.

In:  a ``LintFile``.
Out: findings.
"""

from __future__ import annotations

from collections.abc import Iterable

from jettison.findings.finding import Finding, Fix, FixKind, Severity
from jettison.findings.fix import advice
from jettison.frontend.dockerfile.commands import compiles
from jettison.frontend.dockerfile.shell import commands, script_of
from jettison.frontend.dockerfile.syntax import Copy, Run
from jettison.frontend.dockerfile.text import near_name
from jettison.lint.file import LintFile, LintStage
from jettison.lint.graph import lineage, needed, readings
from jettison.lint.own import OwnRule


class MS106(OwnRule):
    r"""A last stage that takes nothing of what the others made.

    ## What it does
    Finds files whose last stage neither builds on another stage nor copies or mounts from one,
    though another compiles something. Stages of a target that was asked for are left alone.

    ## Why is this bad
    None of the other stages is built. Mostly a `--from` is missing, and what was to be copied from
    a stage is looked for in the build context.

    ## Example
        FROM golang:1.23 AS build
        RUN go build -o /app .
        FROM scratch
        COPY /app /app

    ## Use instead
        FROM golang:1.23 AS build
        RUN go build -o /app .
        FROM scratch
        COPY --from=build /app /app
    """

    name = "MS106"
    description = "The last stage uses what the others made"
    severity = Severity.NOTE

    def check(self, file: LintFile) -> Iterable[Finding]:
        """Yield the last stage if it stands alone."""
        if len(file.stages) < 2 or file.context.target:
            return
        last = file.stages[-1]
        if len(needed(file, last)) > 1 or _misspells(file, last):
            return
        idle = [stage for stage in file.stages[:-1] if _compiles(stage)]
        if not idle:
            return
        maker = idle[-1]
        copied = _taken_for_context(last)
        cause: tuple[str, ...] = (f"the stage `{maker.label}` compiles and is not built",)
        fixes = advice(f"name it: COPY --from={maker.label} …")
        if copied is not None:
            cause += (f"line {copied.span.line} copies from the build context",)
            fixes = (_from_stage(file, copied, maker),)
        yield self.found(
            "The last stage uses nothing of the other stages",
            last.first.span,
            cause=cause,
            fixes=fixes,
            stage=last.label,
        )


def _compiles(stage: LintStage) -> bool:
    runs = (each for each in stage.instructions if isinstance(each, Run))
    return any(compiles(words) for run in runs for words in commands(script_of(run)))


def _misspells(file: LintFile, stage: LintStage) -> bool:
    """Tell whether a stage reads from something that is almost called like a stage (MS101)."""
    names = [each.first.stage_name for each in file.stages]
    return any(
        reading.stage is None and near_name(reading.name, names)
        for each in lineage(stage)
        for reading in readings(file, each)
    )


def _from_stage(file: LintFile, copy: Copy, stage: LintStage) -> Fix:
    """Return a COPY with ``--from``."""
    line = file.dockerfile.text.split("\n")[copy.span.line - 1]
    name = stage.first.stage_name or str(stage.index)
    text = line.replace(copy.keyword, f"{copy.keyword} --from={name}", 1)
    return Fix(FixKind.REPLACE, text, copy.span.line)


def _taken_for_context(stage: LintStage) -> Copy | None:
    """Return a COPY without ``--from`` whose source is an absolute path."""
    for each in stage.instructions:
        if (
            isinstance(each, Copy)
            and not each.from_name
            and any(source.startswith("/") for source in each.sources)
        ):
            return each
    return None

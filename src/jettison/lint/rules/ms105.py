"""MS105: copies of whole root file systems.

In:  a ``LintFile``.
Out: findings.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable

from jettison.findings.finding import Finding
from jettison.findings.fix import advice
from jettison.frontend.dockerfile.syntax import Copy
from jettison.lint.file import LintFile, LintStage, LintStep
from jettison.lint.graph import lineage, readings
from jettison.lint.own import OwnRule


class MS105(OwnRule):
    r"""Copies of a whole root file system.

    ## What it does
    Finds `COPY --from=STAGE / /` onto an image or onto what is there already. On `scratch`, as
    the first thing that is copied, it is the usual way to make one layer of a stage, and a stage
    that itself begins with `scratch` has only what was put into it.

    ## Why is this bad
    Two systems are mixed: libraries, users and package databases of one replace those of the
    other. The image also gets everything that the stage needed to build.

    ## Example
        FROM debian:12 AS build
        RUN apt-get update && apt-get install -y gcc && gcc -o /app app.c
        FROM debian:12-slim
        COPY --from=build / /

    ## Use instead
        FROM debian:12 AS build
        RUN apt-get update && apt-get install -y gcc && gcc -o /app app.c
        FROM debian:12-slim
        COPY --from=build /app /app
    """

    name = "MS105"
    description = "Copies between stages name what is wanted"
    hadolint = frozenset({"DL3067"})

    def check(self, file: LintFile) -> Iterable[Finding]:
        """Yield copies of a stage's root onto something."""
        for stage in file.checked_stages:
            sources = {id(reading.instruction): reading.stage for reading in readings(file, stage)}
            for step in stage.steps:
                source = sources.get(id(step.instruction))
                if source is None or not _is_of_all(step) or _begins_empty(source):
                    continue
                if not _is_first(stage, step):
                    yield self.found(
                        f"All of the stage `{source.label}` is copied over `{stage.label}`",
                        step.instruction.span,
                        fixes=advice(
                            f"copy the paths that are wanted, or go on with FROM {source.label}"
                        ),
                        stage=stage.label,
                    )


def _is_of_all(step: LintStep) -> bool:
    copy = step.instruction
    if (
        not isinstance(copy, Copy)
        or copy.exclude
        or posixpath.normpath(step.expand(copy.dest)) != "/"
    ):
        return False
    return any(
        posixpath.normpath("/" + step.expand(source)).lstrip("/") in {"", "*"}
        for source in copy.sources
    )


def _begins_empty(stage: LintStage) -> bool:
    return lineage(stage)[0].image == "scratch"


def _is_first(stage: LintStage, step: LintStep) -> bool:
    """Tell whether nothing is in a stage before a step."""
    if stage.parent is not None or stage.image != "scratch":
        return False
    before = stage.steps[: stage.steps.index(step)]
    return all(each.instruction.name not in {"COPY", "ADD", "RUN"} for each in before)

"""MS104: one name that means an image and a stage.

In:  a ``LintFile``.
Out: findings.
"""

from __future__ import annotations

from collections.abc import Iterable

from jettison.findings.finding import Finding
from jettison.findings.fix import advice
from jettison.lint.bases import OFFICIAL, guess
from jettison.lint.file import LintFile, LintStage
from jettison.lint.graph import readings
from jettison.lint.own import OwnRule


class MS104(OwnRule):
    r"""A name that means an image and a stage.

    ## What it does
    Finds stages that are called as an image is on which the file builds something else, or as an
    official image that they are not made from, where the name is used later. Docker's own rules
    find stages of equal names, reserved names and the case of names.

    ## Why is this bad
    Below the stage the same word means the stage and no longer the image. Who moves a line, or
    reads it, takes one for the other.

    ## Example
        FROM debian:12 AS nginx
        COPY nginx.conf /etc/nginx/
        FROM nginx
        COPY site /usr/share/nginx/html

    ## Use instead
        FROM debian:12 AS configuration
        COPY nginx.conf /etc/nginx/
        FROM nginx
        COPY --from=configuration /etc/nginx/nginx.conf /etc/nginx/
        COPY site /usr/share/nginx/html
    """

    name = "MS104"
    description = "No stage has the name of an image that it is not made from"
    hadolint = frozenset({"DL3063"})

    def check(self, file: LintFile) -> Iterable[Finding]:
        """Yield stages whose name is that of another image and that something refers to."""
        for stage in file.stages:
            name = stage.first.stage_name
            if not name or not _is_other_image(file, stage):
                continue
            used = _first_use(file, stage)
            if used:
                yield self.found(
                    f"`{name}` is an image, and a stage of this file that is made from"
                    f" `{stage.image}`",
                    stage.first.span,
                    cause=(f"line {used} means the stage",),
                    fixes=advice("give the stage another name"),
                    stage=stage.label,
                )


def _is_other_image(file: LintFile, stage: LintStage) -> bool:
    name = stage.first.stage_name
    below = stage
    while below.parent is not None:
        below = below.parent
    base = guess(below.image)
    if base is None or base.name == name or name in below.image:
        return False
    above = (each for each in file.stages[: stage.index] if each.parent is None)
    return name in OFFICIAL or any(each.image == name for each in above)


def _first_use(file: LintFile, stage: LintStage) -> int:
    """Return the line that first refers to a stage by its name, 0 for none."""
    for later in file.stages[stage.index + 1 :]:
        if later.parent is stage:
            return later.first.span.line
        for reading in readings(file, later):
            if reading.stage is stage and not reading.name.isdigit():
                return reading.instruction.span.line
    return 0

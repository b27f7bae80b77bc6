"""MS102: stages that are read before they are built.

In:  a ``LintFile``.
Out: findings.
"""

from __future__ import annotations

from collections.abc import Iterable

from jettison.findings.finding import Finding, Severity
from jettison.findings.fix import advice
from jettison.lint.bases import OFFICIAL
from jettison.lint.file import LintFile
from jettison.lint.graph import readings
from jettison.lint.own import OwnRule


class MS102(OwnRule):
    r"""Stages that are read before they are built.

    ## What it does
    Finds COPY, mounts and FROM that name the stage that they are in, or one below it in the file.

    ## Why is this bad
    A stage can read only what is above it. For COPY and mounts the build fails; a FROM that
    names a later stage means an image of that name.

    ## Example
        FROM scratch AS app
        COPY --from=assets /site /site
        FROM scratch AS assets
        COPY site /site
        FROM app

    ## Use instead
        FROM scratch AS assets
        COPY site /site
        FROM scratch AS app
        COPY --from=assets /site /site
        FROM app
    """

    name = "MS102"
    description = "Stages read only from stages above them"
    hadolint = frozenset({"DL3023"})
    severity = Severity.ERROR

    def check(self, file: LintFile) -> Iterable[Finding]:
        """Yield what reads from its own stage or a later one."""
        for stage in file.checked_stages:
            for reading in readings(file, stage):
                other = reading.stage
                if other is not None and other.index >= stage.index:
                    itself = other.index == stage.index
                    what = "itself" if itself else f"`{other.label}`, which is below it"
                    yield self.found(
                        f"The stage `{stage.label}` reads from {what}",
                        reading.instruction.span,
                        fixes=advice(
                            "copy within one stage by RUN cp"
                            if itself
                            else f"move the stage `{other.label}` above `{stage.label}`"
                        ),
                        stage=stage.label,
                    )
            yield from self._later_base(file, stage.index)

    def _later_base(self, file: LintFile, index: int) -> Iterable[Finding]:
        stage = file.stages[index]
        name = stage.image.lower()
        later = {each.first.stage_name for each in file.stages[index + 1 :]}
        image = file.context.image
        if stage.parent is None and name in later and name not in OFFICIAL:
            if image is not None and image(stage.image, file.context.platform) is not None:
                return
            yield self.found(
                f"FROM `{name}` means an image: the stage of that name is below it",
                stage.first.span,
                fixes=advice(f"move the stage `{name}` above line {stage.first.span.line}"),
                severity=Severity.WARNING,
                stage=stage.label,
            )

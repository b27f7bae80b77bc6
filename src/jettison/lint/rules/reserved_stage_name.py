"""ReservedStageName: stages with reserved names.

In:  a ``LintFile``.
Out: findings.
"""

from __future__ import annotations

from collections.abc import Iterable

from jettison.findings.finding import Finding
from jettison.frontend.dockerfile.text import quote
from jettison.lint.file import LintFile
from jettison.lint.rule import Rule


class ReservedStageName(Rule):
    r"""Stages with reserved names.

    ## What it does
    Finds stages named `scratch` or `context`.

    ## Why is this bad
    These words already mean the empty image and the build context.

    ## Example
        FROM alpine AS scratch

    ## Use instead
        FROM alpine AS runtime
    """

    name = "ReservedStageName"
    description = "No stage is named `scratch` or `context`"
    hadolint = frozenset({"DL3063"})

    def check(self, file: LintFile) -> Iterable[Finding]:
        """Yield stages with a reserved name."""
        for stage in file.stages:
            if stage.first.stage_name in {"scratch", "context"}:
                yield self.finding(
                    "Stage name should not use the same name as reserved stage "
                    f"{quote(stage.first.stage_name)}",
                    stage.first.span,
                )

"""StageNameCasing: names of stages with capital letters.

In:  a ``LintFile``.
Out: findings.
"""

from __future__ import annotations

from collections.abc import Iterable

from jettison.findings.finding import Finding
from jettison.lint.file import LintFile
from jettison.lint.rule import Rule


class StageNameCasing(Rule):
    r"""Names of stages with capital letters.

    ## What it does
    Finds names of stages with capital letters.

    ## Why is this bad
    Names of stages are compared without regard to case, while names of images are not:
    capitals suggest a difference that is none.

    ## Example
        FROM alpine AS Builder

    ## Use instead
        FROM alpine AS builder
    """

    name = "StageNameCasing"
    description = "Names of stages are in lower case"

    def check(self, file: LintFile) -> Iterable[Finding]:
        """Yield stages with capitals in their names."""
        for stage in file.stages:
            written = stage.first.stage_name_written
            if written != stage.first.stage_name:
                yield self.finding(f"Stage name '{written}' should be lowercase", stage.first.span)

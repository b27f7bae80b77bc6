"""WorkdirRelativePath: relative WORKDIR on a base image.

In:  a ``LintFile``.
Out: findings.
"""

from __future__ import annotations

from collections.abc import Iterable

from jettison.findings.finding import Finding
from jettison.frontend.dockerfile.syntax import OnBuild, Workdir
from jettison.frontend.dockerfile.text import quote
from jettison.lint.file import LintFile
from jettison.lint.rule import Rule


class WorkdirRelativePath(Rule):
    r"""Relative WORKDIR on a base image.

    ## What it does
    Finds a relative WORKDIR that no WORKDIR comes before.

    ## Why is this bad
    It is relative to the working directory of the base image, which may become another one.

    ## Example
        FROM nginx
        WORKDIR html

    ## Use instead
        FROM nginx
        WORKDIR /usr/share/nginx/html
    """

    name = "WorkdirRelativePath"
    description = "The first WORKDIR of a stage is absolute"
    hadolint = frozenset({"DL3000"})

    def check(self, file: LintFile) -> Iterable[Finding]:
        """Yield relative paths before any other WORKDIR of the stage or of the stages below it."""
        for stage in file.checked_stages:
            is_set = "WORKDIR" in stage.inherited
            for step in stage.steps:
                own = step.instruction
                instruction = own.trigger if isinstance(own, OnBuild) else own
                if not isinstance(instruction, Workdir):
                    continue
                path = step.expand(instruction.path)
                if not (is_set or path.startswith("/")):
                    yield self.finding(
                        f"Relative workdir {quote(path)} can have unexpected results if the base "
                        "image changes",
                        instruction.span,
                    )
                is_set = is_set or instruction is own

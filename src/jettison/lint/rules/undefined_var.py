"""UndefinedVar: variables that nothing declares.

In:  a ``LintFile``.
Out: findings.
"""

from __future__ import annotations

from collections.abc import Iterable

from jettison.findings.finding import Finding
from jettison.frontend.dockerfile.text import suggest
from jettison.lint.file import LintFile
from jettison.lint.rule import Rule


class UndefinedVar(Rule):
    r"""Variables that nothing declares.

    ## What it does
    Finds variables that nothing in the stage declares. Stages on an image whose config is not
    known are left out.

    ## Why is this bad
    They expand to nothing. Often the name is misspelt, or an ARG from before the first FROM
    has to be declared again in the stage.

    ## Example
        ARG VERSION=1
        FROM scratch
        COPY app-$VERSION /app

    ## Use instead
        ARG VERSION=1
        FROM scratch
        ARG VERSION
        COPY app-$VERSION /app
    """

    name = "UndefinedVar"
    description = "Variables are declared before they are used"

    def check(self, file: LintFile) -> Iterable[Finding]:
        """Yield variables that no ENV, ARG or base image of the stage has."""
        for stage in file.checked_stages:
            for step in stage.steps:
                for name in step.unmatched:
                    match = suggest(name, (*file.global_values, *step.values))
                    suggestion = f" (did you mean ${match}?)" if match else ""
                    yield self.finding(
                        f"Usage of undefined variable '${name}'{suggestion}", step.instruction.span
                    )

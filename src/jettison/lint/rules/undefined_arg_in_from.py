"""UndefinedArgInFrom: undeclared arguments in FROM.

In:  a ``LintFile``.
Out: findings.
"""

from __future__ import annotations

from collections.abc import Iterable

from jettison.findings.finding import Finding
from jettison.frontend.dockerfile.text import did_you_mean
from jettison.lint.file import LintFile
from jettison.lint.rule import Rule


class UndefinedArgInFrom(Rule):
    r"""Undeclared arguments in FROM.

    ## What it does
    Finds variables in FROM that no ARG before the first FROM declares.

    ## Why is this bad
    They expand to nothing, and a `--build-arg` of that name has no effect.

    ## Example
        FROM node:${VERSION}

    ## Use instead
        ARG VERSION=22
        FROM node:${VERSION}
    """

    name = "UndefinedArgInFrom"
    description = "FROM uses arguments that are declared before the first FROM"

    def check(self, file: LintFile) -> Iterable[Finding]:
        """Yield every undeclared argument of every FROM."""
        for stage in file.stages:
            for text in (stage.first.image, stage.first.platform):
                expanded = file.expand_global(text)
                unmatched = expanded.unmatched if expanded is not None else ()
                for name in sorted(unmatched):
                    if name not in file.global_names:
                        suggestion = did_you_mean(name, file.global_values)
                        yield self.finding(
                            f"FROM argument '{name}' is not declared{suggestion}", stage.first.span
                        )

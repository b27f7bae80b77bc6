"""FromAsCasing: FROM and AS in different case.

In:  a ``LintFile``.
Out: findings.
"""

from __future__ import annotations

from collections.abc import Iterable

from jettison.findings.finding import Finding
from jettison.lint.file import LintFile
from jettison.lint.rule import Rule


class FromAsCasing(Rule):
    r"""FROM and AS in different case.

    ## What it does
    Finds FROM lines whose AS is written in another case than FROM.

    ## Why is this bad
    Mixed case hides where the name of the stage begins.

    ## Example
        FROM alpine as builder

    ## Use instead
        FROM alpine AS builder
    """

    name = "FromAsCasing"
    description = "The words FROM and AS of a line have the same case"

    def check(self, file: LintFile) -> Iterable[Finding]:
        """Yield FROM lines whose two keywords differ in case."""
        for stage in file.stages:
            keyword, word = stage.first.keyword, stage.first.as_keyword
            if (keyword.islower() and not word.islower() and word) or (
                keyword.isupper() and not word.isupper() and word
            ):
                detail = f"'{word}' and '{keyword}' keywords' casing do not match"
                yield self.finding(detail, stage.first.span)

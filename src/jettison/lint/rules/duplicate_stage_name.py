"""DuplicateStageName: two stages with one name.

In:  a ``LintFile``.
Out: findings.
"""

from __future__ import annotations

from collections.abc import Iterable

from jettison.findings.finding import Finding
from jettison.frontend.dockerfile.text import quote
from jettison.lint.file import LintFile
from jettison.lint.rule import Rule


class DuplicateStageName(Rule):
    r"""Two stages with one name.

    ## What it does
    Finds stages with the name of an earlier stage.

    ## Why is this bad
    A name means the last stage that has it, so the earlier one cannot be built or copied
    from.

    ## Example
        FROM alpine AS build
        FROM debian AS build

    ## Use instead
        FROM alpine AS build-alpine
        FROM debian AS build-debian
    """

    name = "DuplicateStageName"
    description = "No two stages have the same name"
    hadolint = frozenset({"DL3024"})

    def check(self, file: LintFile) -> Iterable[Finding]:
        """Yield stages whose name an earlier stage has."""
        seen: set[str] = set()
        for stage in file.stages:
            name = stage.first.stage_name
            if name in seen:
                yield self.finding(
                    f"Duplicate stage name {quote(name)}, stage names should be unique",
                    stage.first.span,
                )
            if name:
                seen.add(name)

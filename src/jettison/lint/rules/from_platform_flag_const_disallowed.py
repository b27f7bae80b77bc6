"""FromPlatformFlagConstDisallowed: FROM with a fixed platform.

In:  a ``LintFile``.
Out: findings.
"""

from __future__ import annotations

from collections.abc import Iterable

from jettison.errors import UsageError
from jettison.findings.finding import Finding
from jettison.frontend.dockerfile.text import quote
from jettison.lint.file import LintFile
from jettison.lint.rule import Rule
from jettison.oci.platform import parse_platform


class FromPlatformFlagConstDisallowed(Rule):
    r"""FROM with a fixed platform.

    ## What it does
    Finds FROM lines with a fixed platform, in stages whose names do not tell of it.

    ## Why is this bad
    The stage is for that platform whatever `--platform` says.

    ## Example
        FROM --platform=linux/amd64 alpine AS base

    ## Use instead
        FROM --platform=$BUILDPLATFORM alpine AS base
    """

    name = "FromPlatformFlagConstDisallowed"
    description = "The platform of a stage is not fixed"
    hadolint = frozenset({"DL3029"})

    def check(self, file: LintFile) -> Iterable[Finding]:
        """Yield platforms without a variable, unless the stage's name tells of them."""
        for stage in file.stages:
            expanded = file.expand_global(stage.first.platform)
            if expanded is None or not expanded.text or expanded.matched or expanded.unmatched:
                continue
            try:
                platform = parse_platform(expanded.text)
            except UsageError:
                continue
            name = stage.first.stage_name
            if platform.os not in name and platform.architecture not in name:
                yield self.finding(
                    f"FROM --platform flag should not use constant value {quote(expanded.text)}",
                    stage.first.span,
                )

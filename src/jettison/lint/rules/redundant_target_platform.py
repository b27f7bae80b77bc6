"""RedundantTargetPlatform: FROM with the default platform.

In:  a ``LintFile``.
Out: findings.
"""

from __future__ import annotations

from collections.abc import Iterable

from jettison.findings.finding import Finding
from jettison.lint.file import LintFile
from jettison.lint.rule import Rule


class RedundantTargetPlatform(Rule):
    r"""FROM with the default platform.

    ## What it does
    Finds `FROM --platform=$TARGETPLATFORM`.

    ## Why is this bad
    It is the default, so it says nothing.

    ## Example
        FROM --platform=$TARGETPLATFORM alpine

    ## Use instead
        FROM alpine
    """

    name = "RedundantTargetPlatform"
    description = "The target platform is the default and need not be given"
    hadolint = frozenset({"DL3065"})

    def check(self, file: LintFile) -> Iterable[Finding]:
        """Yield FROM lines whose platform is nothing but TARGETPLATFORM."""
        for stage in file.stages:
            platform = stage.first.platform
            expanded = file.expand_global(platform) if platform else None
            if (
                expanded is not None
                and not expanded.unmatched
                and expanded.matched == {"TARGETPLATFORM"}
                and expanded.text == file.global_values["TARGETPLATFORM"]
            ):
                yield self.finding(
                    f"Setting platform to predefined {platform} in FROM is redundant as this is "
                    "the default behavior",
                    stage.first.span,
                )

"""InvalidBaseImagePlatform: base images for another platform.

In:  a ``LintFile``.
Out: findings.
"""

from __future__ import annotations

from collections.abc import Iterable

from jettison.findings.finding import Finding
from jettison.frontend.dockerfile.text import quote
from jettison.lint.file import LintFile
from jettison.lint.rule import Rule
from jettison.oci.platform import matches


class InvalidBaseImagePlatform(Rule):
    r"""Base images for another platform.

    ## What it does
    Finds base images that were pulled for another platform than is built for.

    ## Why is this bad
    Their programs cannot run on it, or only in emulation.

    ## Example
        FROM arm64v8/alpine

    ## Use instead
        FROM alpine
    """

    name = "InvalidBaseImagePlatform"
    description = "A base image is for the platform that is built for"
    has_page = False

    def check(self, file: LintFile) -> Iterable[Finding]:
        """Yield stages whose base image is known to be for another platform."""
        for stage in file.checked_stages:
            offered = stage.facts.platform if stage.facts is not None else None
            if stage.parent is not None or offered is None:
                continue
            wanted = file.platform_of(stage)
            if not matches(wanted, offered):
                yield self.finding(
                    f"Base image {stage.image} was pulled with platform {quote(str(offered))}, "
                    f"expected {quote(str(wanted))} for current build",
                    stage.first.span,
                )

"""MaintainerDeprecated: the MAINTAINER instruction.

In:  a ``LintFile``.
Out: findings.
"""

from __future__ import annotations

from collections.abc import Iterable

from jettison.findings.finding import Finding
from jettison.frontend.dockerfile.syntax import Maintainer
from jettison.lint.file import LintFile
from jettison.lint.rule import Rule


class MaintainerDeprecated(Rule):
    r"""The MAINTAINER instruction.

    ## What it does
    Finds MAINTAINER.

    ## Why is this bad
    The instruction sets one field that few tools read; a label is found by all of them.

    ## Example
        MAINTAINER me@example.org

    ## Use instead
        LABEL org.opencontainers.image.authors="me@example.org"
    """

    name = "MaintainerDeprecated"
    description = "MAINTAINER gives way to a label"
    hadolint = frozenset({"DL4000"})

    def check(self, file: LintFile) -> Iterable[Finding]:
        """Yield MAINTAINER instructions."""
        for instruction in file.dockerfile.instructions:
            if isinstance(instruction, Maintainer):
                yield self.finding(
                    "Maintainer instruction is deprecated in favor of using label", instruction.span
                )

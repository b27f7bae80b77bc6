"""LegacyKeyValueFormat: ENV and LABEL without an equals sign.

In:  a ``LintFile``.
Out: findings.
"""

from __future__ import annotations

from collections.abc import Iterable

from jettison.findings.finding import Finding
from jettison.frontend.dockerfile.syntax import Env, Label
from jettison.lint.file import LintFile
from jettison.lint.rule import Rule


class LegacyKeyValueFormat(Rule):
    r"""ENV and LABEL without an equals sign.

    ## What it does
    Finds `ENV key value` and `LABEL key value`.

    ## Why is this bad
    All of the line is the value, whatever more is written: `ENV a 1 b 2` sets one variable.

    ## Example
        ENV DIR my dir

    ## Use instead
        ENV DIR="my dir"
    """

    name = "LegacyKeyValueFormat"
    description = "ENV and LABEL are written with an equals sign"

    def check(self, file: LintFile) -> Iterable[Finding]:
        """Yield instructions in the form without an equals sign."""
        for stage in file.checked_stages:
            for instruction in stage.written:
                if isinstance(instruction, Env | Label) and instruction.legacy:
                    name = instruction.keyword
                    yield self.finding(
                        f'"{name} key=value" should be used instead of legacy "{name} key value" '
                        "format",
                        instruction.span,
                    )

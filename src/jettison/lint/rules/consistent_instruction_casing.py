"""ConsistentInstructionCasing: instructions in another case than the rest.

In:  a ``LintFile``.
Out: findings.
"""

from __future__ import annotations

from collections.abc import Iterable

from jettison.findings.finding import Finding
from jettison.frontend.dockerfile.syntax import Instruction
from jettison.lint.file import LintFile
from jettison.lint.rule import Rule


class ConsistentInstructionCasing(Rule):
    r"""Instructions in another case than the rest.

    ## What it does
    Finds instructions written in another case than most of the file.

    ## Why is this bad
    Instructions that look alike are found faster; by convention they are in capitals.

    ## Example
        FROM alpine
        Run apk add curl
        CMD ["curl"]

    ## Use instead
        FROM alpine
        RUN apk add curl
        CMD ["curl"]
    """

    name = "ConsistentInstructionCasing"
    description = "All instructions of a file have the same case, upper or lower"

    def check(self, file: LintFile) -> Iterable[Finding]:
        """Yield instructions that are not in the case of the majority; a tie is upper case."""
        instructions: list[Instruction] = []
        for stage in file.stages:
            instructions += (stage.first, *stage.instructions)
        lower = sum(each.keyword.islower() for each in instructions)
        upper = sum(each.keyword.isupper() for each in instructions)
        wanted = "lowercase" if lower > upper else "uppercase"
        for instruction in instructions:
            keyword = instruction.keyword
            if not (keyword.islower() if lower > upper else keyword.isupper()):
                yield self.finding(
                    f"Command '{keyword}' should match the case of the command majority ({wanted})",
                    instruction.span,
                )

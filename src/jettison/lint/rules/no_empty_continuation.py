"""NoEmptyContinuation: empty lines inside of an instruction.

In:  a ``LintFile``.
Out: findings.
"""

from __future__ import annotations

from collections.abc import Iterable

from jettison.findings.finding import Finding
from jettison.lint.file import LintFile
from jettison.lint.rule import Rule


class NoEmptyContinuation(Rule):
    r"""Empty lines inside of an instruction.

    ## What it does
    Finds empty lines between a continued line and its continuation.

    ## Why is this bad
    The instruction seems to end at the empty line and does not. Later versions of the
    language will refuse it.

    ## Example
        RUN apt-get update && \

            apt-get install -y curl

    ## Use instead
        RUN apt-get update && \
            apt-get install -y curl
    """

    name = "NoEmptyContinuation"
    description = "Empty lines inside of an instruction will not be accepted for ever"

    def check(self, file: LintFile) -> Iterable[Finding]:
        """Yield what the parser noted."""
        for note in file.dockerfile.warnings:
            if note.rule == self.name:
                yield self.finding(note.message, note.span)

"""CopyIgnoredFile: copies of ignored files.

In:  a ``LintFile``.
Out: findings.
"""

from __future__ import annotations

from collections.abc import Iterable

from jettison.findings.finding import Finding
from jettison.frontend.dockerfile.syntax import Add, Copy
from jettison.frontend.dockerfile.text import quote
from jettison.lint.file import LintFile
from jettison.lint.rule import Rule

_REMOTE = ("http://", "https://", "git://", "git@", "ssh://")


class CopyIgnoredFile(Rule):
    r"""Copies of ignored files.

    ## What it does
    Finds sources of COPY and ADD of which the ignore file leaves nothing, by the files that
    are there.

    ## Why is this bad
    The file is not in the context, so the build will fail.

    ## Example
        COPY ./tmp/settings.json /etc/

    ## Use instead
        COPY ./settings.json /etc/
    """

    name = "CopyIgnoredFile"
    description = "COPY and ADD name files that the ignore file leaves in the context"

    def check(self, file: LintFile) -> Iterable[Finding]:
        """Yield sources from the build context that the ignore file excludes."""
        is_ignored = file.context.is_ignored
        if is_ignored is None:
            return
        for stage in file.checked_stages:
            for step in stage.steps:
                instruction = step.instruction
                if not isinstance(instruction, Copy | Add):
                    continue
                if isinstance(instruction, Copy) and instruction.from_name:
                    continue
                word = instruction.name.capitalize()
                for source in map(step.expand, instruction.sources):
                    if not source.startswith(_REMOTE) and is_ignored(source):
                        yield self.finding(
                            f"Attempting to {word} file {quote(source)} that is excluded by "
                            ".dockerignore",
                            instruction.span,
                        )

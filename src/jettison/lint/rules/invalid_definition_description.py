"""InvalidDefinitionDescription: comments that describe nothing.

In:  a ``LintFile``.
Out: findings.
"""

from __future__ import annotations

from collections.abc import Iterable

from jettison.errors import Span
from jettison.findings.finding import Finding
from jettison.frontend.dockerfile.syntax import Arg, From
from jettison.lint.file import LintFile
from jettison.lint.rule import Rule


class InvalidDefinitionDescription(Rule):
    r"""Comments that describe nothing.

    ## What it does
    Finds comments directly above an ARG or a stage that do not begin with its name.

    ## Why is this bad
    Such comments are shown as descriptions by `--call=outline` and `--call=targets` only when
    they begin with the name. An empty line keeps other comments apart.

    ## Example
        # the version of the compiler
        ARG GO_VERSION

    ## Use instead
        # GO_VERSION is the version of the compiler
        ARG GO_VERSION
    """

    name = "InvalidDefinitionDescription"
    description = "The comment above an ARG or a stage begins with its name"
    experimental = True

    def check(self, file: LintFile) -> Iterable[Finding]:
        """Yield comments directly above ARG or a named FROM that describe something else."""
        for instruction in file.dockerfile.instructions:
            if isinstance(instruction, Arg):
                names = [item.key for item in instruction.items]
                yield from self._about("ARG", names, instruction.comments, instruction.span)
            elif isinstance(instruction, From) and instruction.stage_name:
                names = [instruction.stage_name]
                yield from self._about("FROM", names, instruction.comments, instruction.span)

    def _about(
        self, kind: str, names: list[str], comments: tuple[str, ...], span: Span
    ) -> Iterable[Finding]:
        if comments and comments[-1].split(" ")[0] not in names:
            example = names[0] if len(names) == 1 else "<arg_key>"
            yield self.finding(
                f"Comment for {kind} should follow the format: `# {example} <description>`", span
            )

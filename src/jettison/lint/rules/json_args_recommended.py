"""JSONArgsRecommended: CMD and ENTRYPOINT in shell form.

In:  a ``LintFile``.
Out: findings.
"""

from __future__ import annotations

from collections.abc import Iterable

from jettison.findings.finding import Finding
from jettison.frontend.dockerfile.syntax import Cmd, Entrypoint, OnBuild, Shell
from jettison.lint.file import LintFile
from jettison.lint.rule import Rule


class JSONArgsRecommended(Rule):
    r"""CMD and ENTRYPOINT in shell form.

    ## What it does
    Finds CMD and ENTRYPOINT in shell form.

    ## Why is this bad
    A shell is started first and becomes process 1. It does not pass signals on, so the
    program is killed without a chance to end by itself. With SHELL a shell was asked for, and
    nothing is said.

    ## Example
        CMD node server.js

    ## Use instead
        CMD ["node", "server.js"]
    """

    name = "JSONArgsRecommended"
    description = "CMD and ENTRYPOINT are JSON arrays, so that signals reach the program"
    hadolint = frozenset({"DL3025"})

    def check(self, file: LintFile) -> Iterable[Finding]:
        """Yield shell forms in stages without a SHELL of their own or of their bases."""
        for stage in file.checked_stages:
            base_has_shell = stage.facts is not None and stage.facts.has_shell
            has_shell = base_has_shell or "SHELL" in stage.inherited
            for each in stage.runs:
                instruction = each.trigger if isinstance(each, OnBuild) else each
                if isinstance(each, Shell):
                    has_shell = True
                elif isinstance(instruction, Cmd | Entrypoint) and not (
                    instruction.command.is_json or has_shell
                ):
                    yield self.finding(
                        f"JSON arguments recommended for {instruction.keyword} to prevent "
                        "unintended behavior related to OS signals",
                        instruction.span,
                    )

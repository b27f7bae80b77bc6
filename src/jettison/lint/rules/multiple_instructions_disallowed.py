"""MultipleInstructionsDisallowed: instructions that a later one overrides.

In:  a ``LintFile``.
Out: findings.
"""

from __future__ import annotations

from collections.abc import Iterable

from jettison.findings.finding import Finding
from jettison.frontend.dockerfile.syntax import Cmd, Entrypoint, Healthcheck, Instruction
from jettison.lint.file import LintFile
from jettison.lint.rule import Rule


class MultipleInstructionsDisallowed(Rule):
    r"""Instructions that a later one overrides.

    ## What it does
    Finds CMD, ENTRYPOINT and HEALTHCHECK that a later one in the same stage overrides.

    ## Why is this bad
    Only the last one has an effect, so the others mislead.

    ## Example
        CMD ["first"]
        CMD ["second"]

    ## Use instead
        CMD ["second"]
    """

    name = "MultipleInstructionsDisallowed"
    description = "A stage has one CMD, one ENTRYPOINT and one HEALTHCHECK"
    hadolint = frozenset(
        {
            "DL3012",
            "DL4003",
            "DL4004",
        }
    )

    def check(self, file: LintFile) -> Iterable[Finding]:
        """Yield the instructions that a later one of their kind overrides."""
        for stage in file.checked_stages:
            last: dict[str, Instruction] = {}
            for instruction in stage.runs:
                if not isinstance(instruction, Cmd | Entrypoint | Healthcheck):
                    continue
                overridden = last.get(instruction.name)
                if overridden is not None:
                    yield self.finding(
                        f"Multiple {instruction.keyword} instructions should not be used in the "
                        "same stage because only the last one will be used",
                        overridden.span,
                    )
                last[instruction.name] = instruction

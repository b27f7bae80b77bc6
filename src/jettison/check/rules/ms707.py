"""MS707: lists of packages that are updated in a step of their own.

In:  a ``Subject``.
Out: findings.
"""

from __future__ import annotations

from collections.abc import Iterable

from jettison.check.edits import replaced
from jettison.check.rule import Rule
from jettison.check.steps import BuiltStep, stage_steps
from jettison.check.subject import Subject
from jettison.findings.finding import Finding, Severity
from jettison.frontend.dockerfile.commands import installed_packages
from jettison.frontend.dockerfile.shell import commands, script_of
from jettison.frontend.dockerfile.syntax import Run

_UPDATES = {"apt-get": "update", "apt": "update", "apk": "update"}


class MS707(Rule):
    r"""Lists of packages that are updated in a step of their own.

    ## What it does
    Finds `apt-get update` in a RUN without an installation, where a later RUN of the stage
    installs without it.

    ## Why is this bad
    The step is in the cache for ever: packages that are added later are looked for in old lists,
    and are not found any more.

    ## Example
        FROM debian:bookworm-slim
        RUN apt-get update
        RUN apt-get install -y curl

    ## Use instead
        FROM debian:bookworm-slim
        RUN apt-get update && apt-get install -y curl
    """

    id = "MS707"
    title = "Lists of packages are updated where they are used"

    def check(self, subject: Subject) -> Iterable[Finding]:
        """Yield updates that later steps count on."""
        for steps in subject.fact(stage_steps).values():
            updated: dict[str, BuiltStep] = {}
            for step in steps:
                programs = _programs(step)
                for program, (updates, installs) in programs.items():
                    if updates and not installs:
                        updated[program] = step
                    elif installs and not updates and program in updated:
                        yield self._finding(subject, updated.pop(program), step, program)

    def _finding(
        self, subject: Subject, update: BuiltStep, install: BuiltStep, program: str
    ) -> Finding:
        by = f"{program} update && {program}"
        return self.finding(
            Severity.WARNING,
            f"line {install.record.line} installs from the lists of line {update.record.line},"
            " which stay as old as the cache is",
            span=install.span,
            stage=install.stage.label,
            fixes=replaced(
                subject, install, rf"\b{program}(?=\s+(?:-\S+\s+)*(?:install|add)\b)", by
            ),
        )


def _programs(step: BuiltStep) -> dict[str, tuple[bool, bool]]:
    """Return which package managers a step updates the lists of, and installs with."""
    found: dict[str, tuple[bool, bool]] = {}
    if isinstance(step.instruction, Run):
        for words in commands(script_of(step.instruction)):
            verb = _UPDATES.get(words[0])
            if verb is not None:
                updates, installs = found.get(words[0], (False, False))
                updates |= verb in words[1:]
                installs |= bool(installed_packages(words)) and "--no-cache" not in words
                found[words[0]] = updates, installs
    return found

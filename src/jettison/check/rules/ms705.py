"""MS705: package managers that download all again, as they have no cache mount.

In:  a ``Subject``.
Out: findings.
"""

from __future__ import annotations

from collections.abc import Iterable

from jettison.check.edits import with_flags
from jettison.check.rule import Rule
from jettison.check.steps import BuiltStep, stage_steps
from jettison.check.subject import Subject
from jettison.check.units import seconds
from jettison.findings.finding import Finding, Severity
from jettison.frontend.dockerfile.commands import Manager, manager_of, system_manager
from jettison.frontend.dockerfile.shell import commands, script_of
from jettison.frontend.dockerfile.syntax import Run

_LEAST_SECONDS = 5.0
_LOCKED = frozenset({"apt", "dnf", "yum"})


class MS705(Rule):
    r"""Package managers that download all again, as they have no cache mount.

    ## What it does
    Finds RUN instructions that install dependencies by npm, pip, go, apt and others without a
    cache mount, and that took five seconds or more when they ran.

    ## Why is this bad
    When one dependency changes, the step runs again and downloads all of them. A cache mount keeps
    what was downloaded between builds, and out of the image.

    ## Example
        FROM node:20
        COPY package*.json ./
        RUN npm ci

    ## Use instead
        FROM node:20
        COPY package*.json ./
        RUN --mount=type=cache,target=/root/.npm npm ci
    """

    id = "MS705"
    title = "Downloads are kept between builds"

    def check(self, subject: Subject) -> Iterable[Finding]:
        """Yield installations without a cache mount that took long."""
        for steps in subject.fact(stage_steps).values():
            for step in steps:
                manager = _manager(step)
                if manager is None or not manager.cache or step.seconds < _LEAST_SECONDS:
                    continue
                sharing = ",sharing=locked" if manager.name in _LOCKED else ""
                yield self.finding(
                    Severity.NOTE,
                    f"{manager.name} took {seconds(step.seconds)}"
                    " and keeps nothing that it downloaded for the next time",
                    span=step.span,
                    stage=step.stage.label,
                    fixes=with_flags(
                        subject, step, f"--mount=type=cache,target={manager.cache}{sharing}"
                    ),
                )


def _manager(step: BuiltStep) -> Manager | None:
    run = step.instruction
    if not isinstance(run, Run) or any("type=cache" in mount for mount in run.mounts):
        return None
    for words in commands(script_of(run)):
        found = manager_of(words) or system_manager(words)
        if found is not None:
            return found
    return None

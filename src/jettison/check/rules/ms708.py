"""MS708: copied files that change without the sources changing.

In:  a ``Subject``.
Out: findings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from jettison.check.rule import Rule
from jettison.check.steps import (
    BuiltStep,
    is_from_context,
    layer_paths,
    listing_of,
    origins_of,
    stage_steps,
)
from jettison.check.subject import Subject
from jettison.check.units import counted, seconds
from jettison.findings.finding import Finding, Severity
from jettison.findings.fix import advice
from jettison.frontend.dockerfile.syntax import Run
from jettison.provenance.record import StepKind

_CHANGING = {
    r"(?:^|/)\.git/": ".git",
    r"\.log$": "**/*.log",
    r"(?:^|/)\.(?:idea|vscode|vs)/": ".idea, .vscode",
    r"(?:^|/)(?:coverage|htmlcov|\.nyc_output)/|(?:^|/)\.coverage$": "coverage",
    r"(?:^|/)\.(?:pytest|mypy|ruff)_cache/|(?:^|/)__pycache__/": "**/__pycache__",
    r"(?:\.sw[op]|~|\.DS_Store|Thumbs\.db)$": "**/*.swp",
}
_LEAST_SECONDS = 0.5


class MS708(Rule):
    r"""Copied files that change without the sources changing.

    ## What it does
    Finds files that a copy takes from the build context and that tools write by the way: git's
    directory, logs, settings of editors, reports of coverage, Python's bytecode. It counts only
    where RUN instructions below took half a second or more.

    ## Why is this bad
    Each commit, test run or look with an editor changes them, and all below the copy runs again.

    ## Example
        FROM busybox
        COPY . /app
        RUN sleep 2

    ## Use instead
        FROM busybox
        COPY --exclude=**/*.log . /app
        RUN sleep 2
    """

    id = "MS708"
    title = "Copies have what only the sources change"

    def check(self, subject: Subject) -> Iterable[Finding]:
        """Yield copies of files that change by themselves, above what takes long."""
        for steps in subject.fact(stage_steps).values():
            for place, step in enumerate(steps):
                if step.step.kind is not StepKind.COPY or not is_from_context(subject, step):
                    continue
                below = [each for each in steps[place + 1 :] if isinstance(each.instruction, Run)]
                took = sum(each.seconds for each in below)
                if took >= _LEAST_SECONDS:
                    yield from self._changing(subject, step, took)

    def _changing(self, subject: Subject, step: BuiltStep, took: float) -> Iterable[Finding]:
        listing, origins = listing_of(subject, step), origins_of(subject, step)
        if listing is None or origins is None:
            return
        found: dict[str, list[str]] = {}
        for path in layer_paths(listing):
            origin = origins.find(path)
            name = origin.path[1:] if origin is not None else ""
            pattern = next((each for each in _CHANGING if re.search(each, name)), "")
            if name and pattern:
                found.setdefault(_CHANGING[pattern], []).append(name)
        if found:
            names = [name for each in found.values() for name in each]
            yield self.finding(
                Severity.NOTE,
                f"{counted(len(names), 'copied file')} that change by themselves, such as"
                f" `{names[0]}`, run again what is below ({seconds(took)})",
                span=step.span,
                stage=step.stage.label,
                fixes=advice(f"write into .dockerignore: {', '.join(found)}"),
            )

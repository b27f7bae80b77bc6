"""Rules of our own: those that docker does not have, under names such as ``MS101``.

In:  nothing.
Out: ``OwnRule``, the base of their classes.
"""

from __future__ import annotations

from typing import ClassVar

from jettison.errors import Span
from jettison.findings.finding import Finding, Fix, Severity
from jettison.lint.rule import Rule


class OwnRule(Rule):
    """A check of the stage graph.

    ``severity`` is that of its findings. ``guesses`` tells whether it judges by names of images
    what a build sees in their files: a build leaves it out.
    """

    severity: ClassVar[Severity] = Severity.WARNING
    guesses: ClassVar[bool] = False
    has_page = False

    @property
    def id(self) -> str:
        """Its name."""
        return self.name

    @property
    def title(self) -> str:
        """What holds when it finds nothing."""
        return self.description

    def found(
        self,
        detail: str,
        span: Span,
        *,
        cause: tuple[str, ...] = (),
        fixes: tuple[Fix, ...] = (),
        severity: Severity | None = None,
        stage: str = "",
    ) -> Finding:
        """Return a finding of this rule."""
        return Finding(
            self.name,
            detail,
            span,
            self.description,
            severity=severity or self.severity,
            stage=stage,
            cause=cause,
            fixes=fixes,
        )

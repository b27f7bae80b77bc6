"""Rules: what every check of a built image provides.

In:  nothing.
Out: the ``Rule`` protocol, which the modules of ``check.rules`` implement one by one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Protocol

from jettison.check.subject import Subject
from jettison.errors import Span
from jettison.findings.finding import Finding, Fix, Severity


class Rule(Protocol):
    """A check with an id; its docstring is its page.

    ``title`` says in one line what holds when it finds nothing. ``hadolint`` are codes whose
    ``# hadolint ignore=`` comments count for it.
    """

    id: ClassVar[str]
    title: ClassVar[str]
    hadolint: ClassVar[frozenset[str]] = frozenset()

    def check(self, subject: Subject) -> Iterable[Finding]:
        """Yield what is wrong with an image."""
        ...

    def finding(
        self,
        severity: Severity,
        detail: str,
        *,
        span: Span | None = None,
        path: str = "",
        stage: str = "",
        cause: tuple[str, ...] = (),
        fixes: tuple[Fix, ...] = (),
    ) -> Finding:
        """Return a finding of this rule; see ``Finding``."""
        return Finding(
            rule=self.id,
            detail=detail,
            span=span,
            description=self.title,
            severity=severity,
            path=path,
            stage=stage,
            cause=cause,
            fixes=fixes,
        )

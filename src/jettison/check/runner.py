"""The runner: all rules over one image.

In:  a ``Subject``, what is silenced.
Out: findings, errors first, each kind in the order of the Dockerfile.
"""

from __future__ import annotations

from jettison.check.registry import RULES
from jettison.check.subject import Subject
from jettison.findings.finding import Finding, Severity
from jettison.findings.options import Codes
from jettison.findings.suppress import Suppressions, codes_of

_ORDER = {severity: number for number, severity in enumerate(Severity)}


def codes() -> Codes:
    """Return hadolint's codes of all rules."""
    return codes_of((rule.id, rule.hadolint) for rule in RULES)


def check_image(subject: Subject, silent: Suppressions) -> tuple[Finding, ...]:
    """Return what all rules find.

    Args:
        subject: The image.
        silent: What is not wanted.
    """
    found = [
        finding
        for rule in RULES
        if not silent.skips(rule.id)
        for finding in rule.check(subject)
        if not silent.hides(finding)
    ]
    return tuple(sorted(dict.fromkeys(found), key=_order))


def _order(finding: Finding) -> tuple[int, int, str, str]:
    return _ORDER[finding.severity], finding.line, finding.rule, finding.path

"""The runner: all rules over one image.

In:  a ``Subject``, what is silenced.
Out: findings, errors first, each kind in the order of the Dockerfile.
"""

from __future__ import annotations

from jettison.check.registry import ENTRIES, RuleEntry, entries_for
from jettison.check.subject import Subject
from jettison.errors import JettisonError
from jettison.findings.finding import Finding, Severity, printable
from jettison.findings.fix import advice
from jettison.findings.options import Codes
from jettison.findings.suppress import Suppressions, codes_of

FAULT = "the check itself has failed"
_ORDER = {severity: number for number, severity in enumerate(Severity)}


def codes() -> Codes:
    """Return hadolint's codes of all rules."""
    return codes_of((entry.id, entry.hadolint.split()) for entry in ENTRIES)


def check_image(subject: Subject, silent: Suppressions) -> tuple[Finding, ...]:
    """Return what all rules find.

    Args:
        subject: The image.
        silent: What is not wanted.
    """
    found = [
        printable(finding)
        for entry in entries_for(subject)
        if not silent.skips(entry.id)
        for finding in _found_by(entry, subject)
        if not silent.hides(finding)
    ]
    return tuple(sorted(dict.fromkeys(found), key=_order))


def _found_by(entry: RuleEntry, subject: Subject) -> list[Finding]:
    """Return what a rule finds.

    A fault of ours in it must not cost anybody a build: it is a note, and ``FAULT`` in its text.
    """
    rule = entry.load()
    try:
        return list(rule.check(subject))
    except JettisonError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever a hostile image brings about
        detail = f"{FAULT}: {type(error).__name__}: {error}"
        return [rule.finding(Severity.NOTE, detail, fixes=advice("please report this"))]


def _order(finding: Finding) -> tuple[int, int, str, str]:
    return _ORDER[finding.severity], finding.line, finding.rule, finding.path

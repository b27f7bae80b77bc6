"""The runner: all rules over one image.

In:  a ``Subject``, what is silenced.
Out: findings, errors first, each kind in the order of the Dockerfile.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

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
    return check_rules(subject, silent, entries_for(subject)).findings


class Checked(msgspec.Struct, frozen=True):
    """What rules found.

    Args:
        findings: In their order.
        of_sizes: Rules that looked at the sizes or digests of all files of a layer.
    """

    findings: tuple[Finding, ...]
    of_sizes: tuple[str, ...]


def check_rules(subject: Subject, silent: Suppressions, entries: Iterable[RuleEntry]) -> Checked:
    """Return what some rules find; arguments are those of ``check_image``."""
    found: list[Finding] = []
    of_sizes: list[str] = []
    for entry in entries:
        if silent.skips(entry.id):
            continue
        before = subject.sizes_seen
        found += [printable(each) for each in _found_by(entry, subject) if not silent.hides(each)]
        if subject.sizes_seen != before:
            of_sizes.append(entry.id)
    return Checked(in_order(found), tuple(of_sizes))


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return findings once each, errors first, each kind in the order of the Dockerfile."""
    return tuple(sorted(dict.fromkeys(findings), key=_order))


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

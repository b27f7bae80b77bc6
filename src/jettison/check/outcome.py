"""What a start of an image says about the findings of its checks: foreseen, or refuted.

In:  findings, what the image starts, what a start of it wrote and how it ended.
Out: the findings that it proves, and those that it disproves.

Source: texts of glibc's and musl's loaders, of shells, Python, Node, Java and Go.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from jettison.analysis.entry.reached import Command, How, Reached
from jettison.findings.finding import Finding, Severity

_FILES = frozenset({"MS203", "MS301", "MS302", "MS305", "MS308", "MS403"})
_PYTHON = frozenset({"MS401", "MS402", "MS403", "MS404", "MS405"})
_SYMPTOMS: tuple[tuple[re.Pattern[str], frozenset[str]], ...] = tuple(
    (re.compile(pattern), frozenset(rules))
    for pattern, rules in (
        (r"version `[^']+' not found", {"MS304", "MS305"}),
        (r"error while loading shared libraries:", {"MS203", "MS303", "MS305"}),
        (r"Error loading shared library", {"MS203", "MS303", "MS305", "MS409"}),
        (r"Error relocating .*: symbol not found", {"MS303", "MS304", "MS305", "MS404"}),
        (r"invalid ELF header|ERR_DLOPEN_FAILED", {"MS306", "MS404", "MS406"}),
        (r"unable to find (?:user|group)", {"MS310"}),
        (r"(?i)exec format error", {"MS306", "MS308"}),
        (r"(?i)permission denied", {"MS207", "MS301", "MS312"}),
        (r"ModuleNotFoundError|No module named|ImportError", _PYTHON),
        (r"Cannot find (?:module|package)|ERR_MODULE_NOT_FOUND", {"MS203", "MS301", "MS406"}),
        (r"UnsupportedClassVersionError|Unable to access jarfile", {"MS301", "MS408"}),
        (r"x509: |certificate verify failed|unable to get local issuer", {"MS309"}),
        (r"unknown time zone|ZoneInfoNotFound", {"MS309"}),
        (r"executable file not found in \$PATH", _FILES),
        (r"(?i)no such file or directory|can't open file", _FILES | {"MS309", "MS409"}),
        (r": not found|: command not found", _FILES),
    )
)
_THROWN = re.compile(
    r"^(?:panic: |Caused by: |Exception in thread |[\w.$]*(?:Error|Exception)(?::|$))"
)
"""How lines begin above which, or below, a program tells where it was."""
_STARTS = frozenset(
    {
        *("MS203", "MS207", "MS301", "MS302", "MS303", "MS304", "MS305", "MS306", "MS308"),
        *("MS310", "MS403", "MS409"),
    }
)
"""Rules whose errors say that a program cannot start, when it is one that the image starts."""
_BY_KERNEL = frozenset({How.STARTED, How.INTERPRETER})
_MAX_LINE = 300


def symptom(output: str) -> str:
    """Return the line of an output that says why a program failed; its last line, if none does."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    for pattern in (*(each for each, _ in _SYMPTOMS), _THROWN):
        for line in reversed(lines):
            if pattern.search(line):
                return line[:_MAX_LINE]
    return lines[-1][:_MAX_LINE] if lines else ""


def foreseen(findings: Iterable[Finding], output: str) -> tuple[Finding, ...]:
    """Return the findings that an output proves, of the first symptom that any is about.

    Args:
        findings: Of the image.
        output: What a start that failed wrote.
    """
    known = [each for each in findings if each.severity is not Severity.NOTE]
    for pattern, rules in _SYMPTOMS:
        if pattern.search(output):
            found = tuple(each for each in known if each.rule in rules)
            if found:
                return found
    return ()


def refuted(
    findings: Iterable[Finding], reached: Reached, *, has_ended: bool
) -> tuple[Finding, ...]:
    """Return the errors that a start disproves, which went well.

    Args:
        findings: Of the image.
        reached: What it starts.
        has_ended: Whether it ran to its end: else only what the kernel executes is known to run.
    """
    paths = {
        path
        for use in reached.uses
        if use.command is not Command.HEALTHCHECK
        and use.is_certain
        and (has_ended or use.how in _BY_KERNEL)
        for path in (use.path, use.via, use.link, use.by if use.how in _BY_KERNEL else "")
        if path
    }
    of_image = {"MS310"}
    if has_ended or any(use.how in _BY_KERNEL for use in reached.problems()):
        of_image.add("MS301")  # what else is missing may not have been wanted as yet
    return tuple(
        each
        for each in findings
        if each.severity is Severity.ERROR
        and each.rule in _STARTS
        and (each.path in paths or each.rule in of_image)
    )

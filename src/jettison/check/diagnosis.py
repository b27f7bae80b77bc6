"""Which rule a program that does not start is a finding of: one fault is reported once.

In:  a ``Subject``, a ``Load``.
Out: the id of a rule.
"""

from __future__ import annotations

from collections.abc import Iterator

from jettison.analysis.loader.base import Family, Verdict
from jettison.analysis.loader.family import built_for
from jettison.check.loads import Load, failing, here, loads
from jettison.check.subject import Subject
from jettison.findings.finding import Severity

_OF_LANGUAGE_RULES = {"MS302", "MS305", "MS306"}
_LIBRARIES = {Family.GLIBC, Family.MUSL}


def failures(subject: Subject, rule: str) -> Iterator[Load]:
    """Yield the programs that are findings of a rule."""
    for load in subject.fact(failing):
        is_left = rule in _OF_LANGUAGE_RULES and _is_of_a_language(load.path)
        if load.severity is Severity.NOTE or is_left:
            continue
        if rule_of(subject, load) == rule:
            yield load


def foreign(subject: Subject) -> Iterator[Load]:
    """Yield what was built for glibc and is loaded by musl all the same."""
    for load in subject.fact(loads):
        is_loaded = load.closure.family is Family.MUSL and load.closure.verdict is Verdict.STARTS
        is_left = load.severity is Severity.NOTE or _is_of_a_language(load.path)
        if is_loaded and not is_left and _needs_glibc(load):
            yield load


def rule_of(subject: Subject, load: Load) -> str:
    """Return the id of the rule that a program breaks; empty if nothing is known of it."""
    match load.closure.verdict:
        case Verdict.WRONG_ARCHITECTURE:
            return "MS306"
        case Verdict.NO_INTERPRETER:
            return _without_interpreter(subject, load)
        case Verdict.NO_LIBRARY:
            return "MS305" if _is_of_another_family(load) else "MS303"
        case Verdict.NO_VERSION:
            return "MS304"
        case _:
            return ""


def _without_interpreter(subject: Subject, load: Load) -> str:
    own, other = here(subject).family, built_for(load.elf)
    if own in _LIBRARIES and other in _LIBRARIES and own is not other:
        return "MS305"
    if own is Family.NONE and load.elf.go is not None and load.elf.go.uses_cgo:
        return "MS409"
    return "MS302"


def _is_of_another_family(load: Load) -> bool:
    family = load.closure.family
    return family in _LIBRARIES and any(
        _family_of(missing.name) in _LIBRARIES - {family} for missing in load.closure.missing
    )


def _family_of(name: str) -> Family:
    if name.startswith(("libc.musl-", "ld-musl-")):
        return Family.MUSL
    return Family.GLIBC if name.startswith(("libc.so.6", "ld-linux")) else Family.UNKNOWN


def _is_of_a_language(path: str) -> bool:
    """Tell whether a file is an extension of Node or Python, whose rules say more about it."""
    name = path.rpartition("/")[2]
    return name.endswith((".node", ".abi3.so")) or ".cpython-" in name


def _needs_glibc(load: Load) -> bool:
    versions = (each for names in load.elf.needs.values() for each in names)
    return any(version.startswith("GLIBC_") for version in versions)

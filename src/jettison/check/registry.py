"""The registry: every rule there is, and which images it is about.

In:  a ``Subject``.
Out: the rules that can find something in it; all of them for pages.

A rule is loaded when an image may have what it is about: most images have one language or none, and
loading all rules takes longer than a small build.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

import msgspec

from jettison.check.relevance import (
    ANY,
    COPIES,
    LOADS,
    NODE,
    PROGRAMS,
    PYTHON,
    RUNTIMES,
    SLOW,
    Relevance,
    kinds_of,
)
from jettison.check.rule import Rule
from jettison.check.subject import Subject


class RuleEntry(msgspec.Struct, frozen=True):
    """A rule that need not be loaded.

    Args:
        id: Its class is called so, and its module likewise in small letters.
        about: What an image has to have for it to find anything.
        hadolint: The rule's codes, separated by spaces.
    """

    id: str
    about: Relevance = ANY
    hadolint: str = ""

    def load(self) -> Rule:
        """Return the rule."""
        module = import_module(f"jettison.check.rules.{self.id.lower()}")
        found: Rule = getattr(module, self.id)()
        return found


ENTRIES = (
    RuleEntry("MS202", COPIES),
    RuleEntry("MS203"),
    RuleEntry("MS204", COPIES),
    RuleEntry("MS205", COPIES),
    RuleEntry("MS206", COPIES),
    RuleEntry("MS207"),
    RuleEntry("MS208", COPIES),
    RuleEntry("MS301"),
    RuleEntry("MS302", LOADS),
    RuleEntry("MS303", LOADS),
    RuleEntry("MS304", LOADS),
    RuleEntry("MS305", LOADS),
    RuleEntry("MS306", LOADS),
    RuleEntry("MS307", LOADS),
    RuleEntry("MS308"),
    RuleEntry("MS309"),
    RuleEntry("MS310", ANY, hadolint="DL3066"),
    RuleEntry("MS311"),
    RuleEntry("MS312"),
    RuleEntry("MS313", LOADS),
    RuleEntry("MS401", PYTHON),
    RuleEntry("MS402", PYTHON),
    RuleEntry("MS403", PYTHON),
    RuleEntry("MS404", PYTHON),
    RuleEntry("MS405", PYTHON),
    RuleEntry("MS406", NODE),
    RuleEntry("MS407", NODE),
    RuleEntry("MS408", RUNTIMES),
    RuleEntry("MS409", LOADS),
    RuleEntry("MS410", PROGRAMS),
    RuleEntry("MS411", PYTHON),
    RuleEntry("MS501"),
    RuleEntry("MS502"),
    RuleEntry("MS503", ANY, hadolint="DL3064"),
    RuleEntry("MS504"),
    RuleEntry("MS505"),
    RuleEntry("MS506"),
    RuleEntry("MS507", ANY, hadolint="DL3002"),
    RuleEntry("MS508"),
    RuleEntry("MS509"),
    RuleEntry("MS510"),
    RuleEntry("MS511", ANY, hadolint="DL3006 DL3007"),
    RuleEntry("MS512", ANY, hadolint="DL4006"),
    RuleEntry("MS601", ANY, hadolint="DL3059"),
    RuleEntry("MS602", ANY, hadolint="DL3009 DL3019 DL3032 DL3036 DL3040 DL3042 DL3060"),
    RuleEntry("MS603"),
    RuleEntry("MS604"),
    RuleEntry("MS605"),
    RuleEntry("MS606"),
    RuleEntry("MS607", ANY, hadolint="DL3046"),
    RuleEntry("MS608"),
    RuleEntry("MS701", SLOW),
    RuleEntry("MS702", COPIES),
    RuleEntry("MS703", SLOW),
    RuleEntry("MS704", SLOW),
    RuleEntry("MS705", SLOW),
    RuleEntry("MS706", COPIES),
    RuleEntry("MS707"),
    RuleEntry("MS708", SLOW),
)
"""In the order of their ids."""


def all_rules() -> tuple[Rule, ...]:
    """Return every rule."""
    return tuple(entry.load() for entry in ENTRIES)


def entries_for(subject: Subject) -> Iterator[RuleEntry]:
    """Yield the rules that can find something in an image."""
    kinds = subject.fact(kinds_of)
    return (entry for entry in ENTRIES if entry.about in kinds)

"""Rules: what every check of a Dockerfile provides.

In:  nothing.
Out: the ``Rule`` protocol, which the modules of ``lint.rules`` implement one by one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import ClassVar, Protocol

from jettison.errors import Span
from jettison.findings.finding import Finding
from jettison.lint.file import LintFile

_PAGES = "https://docs.docker.com/go/dockerfile/rule/"
_WORD_START = r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])"


class Rule(Protocol):
    """A check with a name; its docstring explains it to users.

    ``experimental`` rules run only when ``# check=experimental=`` names them. ``hadolint`` are
    codes whose ``# hadolint ignore=`` comments count for this rule. ``has_page`` tells whether
    the rule is explained on docker's pages.
    """

    name: ClassVar[str]
    description: ClassVar[str]
    experimental: ClassVar[bool] = False
    hadolint: ClassVar[frozenset[str]] = frozenset()
    has_page: ClassVar[bool] = True

    def check(self, file: LintFile) -> Iterable[Finding]:
        """Yield what is wrong in a file."""
        ...

    def finding(self, detail: str, span: Span) -> Finding:
        """Return a finding of this rule."""
        return Finding(self.name, detail, span, self.description, rule_url(self))


def rule_url(rule: Rule) -> str:
    """Return the page that explains a rule, empty without one."""
    return f"{_PAGES}{page_name(rule)}/" if rule.has_page else ""


def page_name(rule: Rule) -> str:
    """Return the name of a rule in addresses, such as ``stage-name-casing``."""
    return re.sub(_WORD_START, "-", rule.name).lower()

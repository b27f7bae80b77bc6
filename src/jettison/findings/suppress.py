"""What users have silenced: by comments in the Dockerfile, by options, by settings.

In:  a parsed Dockerfile, ``CheckOptions``, names from settings.
Out: ``Suppressions``: which rules need not run, and which findings are not shown.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from jettison.errors import UsageError
from jettison.findings.finding import Finding
from jettison.findings.options import (
    CheckOptions,
    Codes,
    parse_options,
    skipped_by_comments,
    skipped_by_file,
)
from jettison.frontend.dockerfile.syntax import Dockerfile


def options_of(dockerfile: Dockerfile, override: str = "") -> CheckOptions:
    """Return the options of a file.

    Args:
        dockerfile: The file, whose ``# check=`` counts.
        override: ``--build-arg BUILDKIT_DOCKERFILE_CHECK=…``, which counts instead.

    Raises:
        UsageError: An option is unknown; the span is that of the directive.
    """
    if override:
        return parse_options(override)
    directive = dockerfile.directive("check")
    if directive is None:
        return CheckOptions()
    try:
        return parse_options(directive.value)
    except UsageError as error:
        error.span = directive.span
        raise


class Suppressions:
    """Tells what of the findings about one file is not wanted.

    Args:
        dockerfile: It; None if there is none.
        codes: hadolint's, of all rules that may run.
        options: Of the file or instead of those.
        ignored: Rules that settings switch off.
    """

    def __init__(
        self,
        dockerfile: Dockerfile | None,
        codes: Codes,
        options: CheckOptions,
        ignored: Iterable[str] = (),
    ) -> None:
        self._dockerfile = dockerfile
        self._codes = codes
        self._options = options
        self._ignored = frozenset(ignored)
        if dockerfile is not None:
            self._ignored |= skipped_by_file(dockerfile.text.split("\n"), codes)

    def skips(self, rule: str) -> bool:
        """Tell whether a rule is switched off for the whole file."""
        return self._options.skips(rule) or rule in self._ignored

    def hides(self, finding: Finding) -> bool:
        """Tell whether a finding is not wanted where it is."""
        names = self._by_line.get(finding.line)
        return self.skips(finding.rule) or (
            names is not None and CheckOptions(skip=names).skips(finding.rule)
        )

    @cached_property
    def _by_line(self) -> dict[int, frozenset[str]]:
        """Rules that comments switch off, by every line of the instruction below them."""
        skips: dict[int, frozenset[str]] = {}
        if self._dockerfile is None:
            return skips
        for instruction in self._dockerfile.instructions:
            if not instruction.comments:
                continue
            names = skipped_by_comments(instruction.comments, self._codes)
            if names:
                span = instruction.span
                skips.update(dict.fromkeys(range(span.line, span.end_line + 1), names))
        return skips


def codes_of(rules: Iterable[tuple[str, Iterable[str]]]) -> Codes:
    """Return the codes of rules, which are given with their names.

    >>> codes_of([("MS507", ["DL3002"]), ("MS310", ["DL3066", "DL3002"])])["DL3066"]
    frozenset({'MS310'})
    """
    found: dict[str, set[str]] = {}
    for name, codes in rules:
        for code in codes:
            found.setdefault(code, set()).add(name)
    return {code: frozenset(names) for code, names in found.items()}

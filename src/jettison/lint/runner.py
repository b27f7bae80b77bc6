"""The runner: all rules over one file.

In:  a parsed ``Dockerfile``, its ``LintContext``, options.
Out: findings in the order of the text, without those that comments switch off.
"""

from __future__ import annotations

from collections.abc import Iterable

from jettison.errors import LintError, Span, UsageError
from jettison.frontend.dockerfile.syntax import Dockerfile
from jettison.lint.file import LintContext, LintFile
from jettison.lint.finding import Finding
from jettison.lint.options import (
    CheckOptions,
    parse_options,
    skipped_by_comments,
    skipped_by_file,
)
from jettison.lint.registry import RULES

_CODES = {code: rule.name for rule in RULES for code in rule.hadolint}


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


def check(
    dockerfile: Dockerfile,
    context: LintContext | None = None,
    *,
    options: CheckOptions | None = None,
) -> tuple[Finding, ...]:
    """Check a file.

    Args:
        dockerfile: The file.
        context: What is known besides; rules that need more than is known find nothing.
        options: Instead of those in the file.

    Raises:
        UsageError: The file's ``# check=`` is wrong.
    """
    chosen = options_of(dockerfile) if options is None else options
    by_file = skipped_by_file(dockerfile.text.split("\n"), _CODES)
    file = LintFile(dockerfile, context or LintContext())
    found = [
        finding
        for rule in RULES
        if not chosen.skips(rule.name) and rule.name not in by_file
        if not rule.experimental or chosen.enables(rule.name)
        for finding in rule.check(file)
    ]
    by_line = _skips_by_line(dockerfile)
    kept = (each for each in found if not _is_skipped(each, by_line.get(each.span.line)))
    return tuple(sorted(kept, key=lambda finding: finding.span.line))


def raise_for(findings: Iterable[Finding], options: CheckOptions) -> None:
    """Fail a build whose options want that.

    Raises:
        LintError: ``error=true`` and there is a finding; the span is the first one's.
    """
    found = sorted(findings, key=lambda finding: finding.span.line)
    if options.error and found:
        rules = ", ".join(sorted({finding.rule for finding in found}))
        raise LintError(
            f"lint violation found for rules: {rules}",
            hint="run `jettison check` to see them all",
            span=found[0].span,
        )


def _skips_by_line(dockerfile: Dockerfile) -> dict[int, frozenset[str]]:
    """Return which rules comments switch off, by every line of the instruction below them."""
    skips: dict[int, frozenset[str]] = {}
    for instruction in dockerfile.instructions:
        names = skipped_by_comments(instruction.comments, _CODES) if instruction.comments else None
        if names:
            span: Span = instruction.span
            skips.update(dict.fromkeys(range(span.line, span.end_line + 1), names))
    return skips


def _is_skipped(finding: Finding, skips: frozenset[str] | None) -> bool:
    return skips is not None and CheckOptions(skip=skips).skips(finding.rule)

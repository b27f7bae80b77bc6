"""The runner: all rules over one file.

In:  a parsed ``Dockerfile``, its ``LintContext``, options.
Out: findings in the order of the text, without those that comments switch off.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from jettison.errors import LintError
from jettison.findings.finding import Finding
from jettison.findings.options import CheckOptions
from jettison.findings.suppress import Suppressions, codes_of, options_of
from jettison.frontend.dockerfile.syntax import Dockerfile
from jettison.lint.file import LintContext, LintFile
from jettison.lint.registry import OWN_RULES, RULES
from jettison.lint.rule import Rule


def check(
    dockerfile: Dockerfile,
    context: LintContext | None = None,
    *,
    options: CheckOptions | None = None,
    own: bool = False,
    ignored: Collection[str] = (),
) -> tuple[Finding, ...]:
    """Check a file.

    Args:
        dockerfile: The file.
        context: What is known besides; rules that need more than is known find nothing.
        options: Instead of those in the file.
        own: Run the rules that docker does not have, too.
        ignored: Rules that settings switch off.

    Raises:
        UsageError: The file's ``# check=`` is wrong.
    """
    chosen = options_of(dockerfile) if options is None else options
    codes = codes_of((rule.name, rule.hadolint) for rule in (*RULES, *OWN_RULES))
    silent = Suppressions(dockerfile, codes, chosen, ignored)
    file = LintFile(dockerfile, context or LintContext())
    rules: Sequence[Rule] = (*RULES, *(_own_rules(file) if own else ()))
    found = [
        finding
        for rule in rules
        if not silent.skips(rule.name)
        if not rule.experimental or chosen.enables(rule.name)
        for finding in rule.check(file)
    ]
    kept = (each for each in found if not silent.hides(each))
    return tuple(sorted(kept, key=lambda finding: finding.line))


def _own_rules(file: LintFile) -> list[Rule]:
    return [rule for rule in OWN_RULES if not (rule.guesses and file.context.files_follow)]


def is_dockers(finding: Finding) -> bool:
    """Tell whether docker has the rule of a finding about the text."""
    return any(rule.name == finding.rule for rule in RULES)


def raise_for(findings: Iterable[Finding], options: CheckOptions) -> None:
    """Fail a build whose options want that, as docker does: by docker's rules.

    Raises:
        LintError: ``error=true`` and there is a finding; the span is the first one's.
    """
    found = sorted(filter(is_dockers, findings), key=lambda finding: finding.line)
    if options.error and found:
        rules = ", ".join(sorted({finding.rule for finding in found}))
        raise LintError(
            f"lint violation found for rules: {rules}",
            hint="run `jettison check` to see them all",
            span=found[0].span,
        )

"""Pages: what users read about each rule, made from the rules' docstrings.

In:  the rules.
Out: Markdown by file name; ``scripts/check_pages.py`` writes it below ``docs/checks``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from jettison.check.registry import all_rules
from jettison.findings.pages import summary_and_body

_FAMILIES = {
    "MS1": "Stages",
    "MS2": "Copies",
    "MS3": "What a program needs to start",
    "MS4": "Languages",
    "MS5": "Security",
    "MS6": "Size",
    "MS7": "Cache",
}


class Explained(Protocol):
    """A rule as its page needs it; its docstring is the page."""

    @property
    def id(self) -> str:
        """Its id, such as ``MS304``."""
        ...

    @property
    def title(self) -> str:
        """What holds when it finds nothing."""
        ...

    @property
    def hadolint(self) -> frozenset[str]:
        """Codes whose ``# hadolint ignore=`` comments count for it."""
        ...


def pages(of_text: Sequence[Explained]) -> dict[str, str]:
    """Return the page of every rule, and ``README.md``, which lists them.

    Args:
        of_text: Rules about the Dockerfile's text whose ids are of the same kind.
    """
    rules = _all(of_text)
    found = {f"{rule.id.lower()}.md": _page(rule) for rule in rules}
    found["README.md"] = _index(rules)
    return found


def find_page(rule: str, of_text: Sequence[Explained]) -> str | None:
    """Return the page of a rule by its id, in any case; None if there is no such rule."""
    named = (each for each in _all(of_text) if each.id.lower() == rule.lower())
    return next(map(_page, named), None)


def _all(of_text: Sequence[Explained]) -> list[Explained]:
    """Return all rules in the order of their ids."""
    rules: list[Explained] = [*of_text, *all_rules()]
    return sorted(rules, key=lambda rule: rule.id)


def _page(rule: Explained) -> str:
    summary, body = summary_and_body(rule)
    lines = [f"# {rule.id}: {rule.title}", "", summary, "", *body]
    lines += [
        *("", "## How to switch it off", ""),
        f"Write `# jettison ignore={rule.id} REASON` in a comment directly above the instruction",
        f"that the finding names, or `# jettison global ignore={rule.id} REASON` anywhere in the",
        f'file; `ignore = ["{rule.id}"]` in the table `[check]` of `jettison.toml` holds for all',
        "builds of it.",
    ]
    if rule.hadolint:
        codes = " or ".join(f"`{code}`" for code in sorted(rule.hadolint))
        lines.append(f"`# hadolint ignore=` with {codes} does the same.")
    return "\n".join(lines) + "\n"


_INDEX = """# Checks of images

Every build looks for these in the image that it made, and `jettison check --image IMAGE` in any
image. An error says that the image will not run, or leaks a secret; `--strict` makes it fail the
build. The rules about stages read the Dockerfile only, so that `jettison check` runs them, too;
docker's rules about its text are [elsewhere](../rules/README.md). MS201 is the error of a build
whose `COPY --from` names what a stage does not have: it says what has that name, or is there.
"""


def _index(rules: Iterable[Explained]) -> str:
    parts = [_INDEX]
    rules = list(rules)
    for family, title in _FAMILIES.items():
        those = [rule for rule in rules if rule.id.startswith(family)]
        if those:
            rows = [f"| [{each.id}]({each.id.lower()}.md) | {each.title} |\n" for each in those]
            head = "| rule | what holds when it finds nothing |\n|---|---|\n"
            parts.append(f"\n## {title}\n\n{head}{''.join(rows)}")
    return "".join(parts)

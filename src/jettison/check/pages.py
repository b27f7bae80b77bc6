"""Pages: what users read about each rule, made from the rules' docstrings.

In:  the rules.
Out: Markdown by file name; ``scripts/check_pages.py`` writes it below ``docs/checks``.
"""

from __future__ import annotations

from jettison.check.registry import RULES
from jettison.check.rule import Rule
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


def pages() -> dict[str, str]:
    """Return the page of every rule, and ``README.md``, which lists them."""
    found = {f"{rule.id.lower()}.md": _page(rule) for rule in RULES}
    found["README.md"] = _index()
    return found


def find_page(rule: str) -> str | None:
    """Return the page of a rule by its id, in any case; None if there is no such rule."""
    return pages().get(f"{rule.lower()}.md")


def _page(rule: Rule) -> str:
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
build. Rules about the Dockerfile's text are [elsewhere](../rules/README.md).
"""


def _index() -> str:
    parts = [_INDEX]
    for family, title in _FAMILIES.items():
        rules = [rule for rule in RULES if rule.id.startswith(family)]
        if rules:
            rows = [f"| [{each.id}]({each.id.lower()}.md) | {each.title} |\n" for each in rules]
            head = "| rule | what holds when it finds nothing |\n|---|---|\n"
            parts.append(f"\n## {title}\n\n{head}{''.join(rows)}")
    return "".join(parts)

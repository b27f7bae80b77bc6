"""Pages: what users read about each rule, made from the rules' docstrings.

In:  the rules.
Out: Markdown by file name; ``scripts/rule_pages.py`` writes it below ``docs/rules``.
"""

from __future__ import annotations

from collections.abc import Iterable

from jettison.findings.pages import summary_and_body
from jettison.lint.registry import RULES
from jettison.lint.rule import Rule, page_name


def pages() -> dict[str, str]:
    """Return the page of every rule, and ``README.md``, which lists them."""
    found = {f"{page_name(rule)}.md": _page(rule) for rule in RULES}
    found["README.md"] = _index(RULES)
    return found


def find_page(rule: str) -> str | None:
    """Return the page of a rule by its name, in any case; None if there is no such rule."""
    named = (each for each in RULES if each.name.lower() == rule.lower())
    return next(map(_page, named), None)


def _page(rule: Rule) -> str:
    summary, body = summary_and_body(rule)
    lines = [f"# {rule.name}", "", summary, ""]
    if rule.experimental:
        lines += ["Experimental: runs with `# check=experimental=" + rule.name + "` only.", ""]
    lines += [*body, "", "## How to switch it off", ""]
    lines += [
        f"For one instruction, write `# check=skip={rule.name}` in a comment directly above it;",
        "for a file, write the same in a comment at its top.",
    ]
    if rule.hadolint:
        codes = " or ".join(f"`{code}`" for code in sorted(rule.hadolint))
        lines.append(f"`# hadolint ignore=` with {codes} does the same.")
    return "\n".join(lines) + "\n"


def _index(rules: Iterable[Rule]) -> str:
    rows = "".join(
        f"| [{rule.name}]({page_name(rule)}.md) | {rule.description} |\n" for rule in rules
    )
    return f"""# Rules

`jettison check` and every build look for these. They are docker's, under docker's names.

| rule | what holds when it finds nothing |
|---|---|
{rows}
A comment at the top of a Dockerfile switches rules off or makes findings errors:

```dockerfile
# check=skip=StageNameCasing,FromAsCasing;error=true
```

`--build-arg BUILDKIT_DOCKERFILE_CHECK=skip=all` counts instead of that comment.
"""

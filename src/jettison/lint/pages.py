"""Pages: what users read about each rule, made from the rules' docstrings.

In:  the rules.
Out: Markdown by file name; ``scripts/rule_pages.py`` writes it below ``docs/rules``.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable

from jettison.lint.registry import RULES
from jettison.lint.rule import Rule, page_name

_INDENT = "    "


def pages() -> dict[str, str]:
    """Return the page of every rule, and ``README.md``, which lists them."""
    found = {f"{page_name(rule)}.md": _page(rule) for rule in RULES}
    found["README.md"] = _index(RULES)
    return found


def _page(rule: Rule) -> str:
    summary, _, body = inspect.getdoc(rule).partition("\n\n")  # type: ignore[union-attr]
    lines = [f"# {rule.name}", "", summary, ""]
    if rule.experimental:
        lines += ["Experimental: runs with `# check=experimental=" + rule.name + "` only.", ""]
    lines += [*_fenced(body.split("\n")), "", "## How to switch it off", ""]
    lines += [
        f"For one instruction, write `# check=skip={rule.name}` in a comment directly above it;",
        "for a file, write the same in a comment at its top.",
    ]
    if rule.hadolint:
        codes = " or ".join(f"`{code}`" for code in sorted(rule.hadolint))
        lines.append(f"`# hadolint ignore=` with {codes} does the same.")
    return "\n".join(lines) + "\n"


def _fenced(lines: Iterable[str]) -> list[str]:
    """Return Markdown with fenced code blocks for indented ones, and blank lines around."""
    out: list[str] = []
    code = False
    for line in lines:
        if line.startswith(_INDENT) and not code:
            out += ["", "```dockerfile"]
            code = True
        elif code and line and not line.startswith(_INDENT):
            out = [*_without_blank_end(out), "```", ""]
            code = False
        out.append(line.removeprefix(_INDENT) if code else line)
        if line.startswith("## "):
            out.append("")
    if code:
        out = [*_without_blank_end(out), "```"]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(out).strip("\n")).split("\n")


def _without_blank_end(lines: list[str]) -> list[str]:
    while lines and not lines[-1]:
        lines = lines[:-1]
    return lines


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

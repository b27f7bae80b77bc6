"""The pages in ``docs/rules`` are those that the rules' docstrings make."""

from __future__ import annotations

from pathlib import Path

import pytest

from jettison.findings.options import CheckOptions
from jettison.frontend.dockerfile.parser import parse
from jettison.lint.file import ImageFacts, LintContext
from jettison.lint.pages import pages
from jettison.lint.registry import RULES
from jettison.lint.rule import page_name
from jettison.lint.runner import check
from jettison.oci.platform import parse_platform

AMD, ARM = parse_platform("linux/amd64"), parse_platform("linux/arm64")
PLACE = Path(__file__).resolve().parents[3] / "docs" / "rules"


def test_the_pages_are_up_to_date():
    written = {path.name: path.read_text() for path in PLACE.glob("*.md")}
    assert written == pages(), "run scripts/rule_pages.py"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_page_says_what_why_and_what_instead(rule):
    text = next(text for text in pages().values() if text.startswith(f"# {rule.name}\n"))
    headings = [line for line in text.splitlines() if line.startswith("## ")]
    assert headings == [
        "## What it does",
        "## Why is this bad",
        "## Example",
        "## Use instead",
        "## How to switch it off",
    ]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_example_has_a_finding_and_the_advice_has_none(rule):
    page = pages()[f"{page_name(rule)}.md"]
    wrong, right = (part.split("```")[0] for part in page.split("```dockerfile\n")[1:])
    assert rule.name in found(wrong)
    assert rule.name not in found(right)


def found(example: str) -> set[str]:
    text = example if "FROM" in example.upper() else f"FROM scratch\n{example}"
    lint_context = LintContext(
        image=lambda name, _: ImageFacts(platform=ARM if name.startswith("arm64v8/") else AMD),
        is_ignored=lambda path: path.startswith("./tmp/"),
    )
    options = CheckOptions(experimental=frozenset({"all"}))
    return {each.rule for each in check(parse(text.encode()), lint_context, options=options)}

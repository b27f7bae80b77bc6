"""The page about security names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path


def test_every_proof_on_the_security_page_is_a_test(project_root: Path) -> None:
    text = (project_root / "docs/security.md").read_text()
    section = ""
    named = 0
    for line in text.splitlines():
        section = next(iter(re.findall(r"proof \(`tests/([\w/]+)/`\)", line)), section)
        for path, name in re.findall(r"`([\w./]+\.py)::(test_\w+)`", line):
            source = (project_root / "tests" / section / path).read_text()
            assert f"def {name}(" in source, name
            named += 1
    assert named > 30


def test_the_threat_model_says_which_level_each_suite_attacks(project_root: Path) -> None:
    table = (project_root / "docs/threat-model.md").read_text().partition("| suite")[2]
    named = set(re.findall(r"`(test_\w+\.py)`", table))
    own = {"test_security_page.py"}  # of no attack
    assert named == {path.name for path in Path(__file__).parent.glob("test_*.py")} - own

"""Decision records have one form and are all listed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ADR = Path(__file__).resolve().parents[3] / "docs" / "adr"
RECORDS = sorted(ADR.glob("[0-9]*.md"))


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_a_decision_has_the_form_of_all_decisions(path: Path) -> None:
    lines = path.read_text().splitlines()
    assert re.fullmatch(rf"# {path.name[:4]}: [A-Z].*[^.]", lines[0])
    titles = [line.removeprefix("## ") for line in lines if line.startswith("## ")]
    assert titles[:2] == ["Context", "Decision"]
    assert len(lines) <= 60


def test_numbers_are_given_once_and_in_turn() -> None:
    assert [int(path.name[:4]) for path in RECORDS] == list(range(1, len(RECORDS) + 1))


def test_the_list_has_every_decision_with_its_title() -> None:
    rows = re.findall(
        r"^\| (\d{4}) \| \[(.*)\]\((\S+)\) \|$", (ADR / "README.md").read_text(), re.MULTILINE
    )
    assert [(number, title, name) for number, title, name in rows] == [
        (path.name[:4], path.read_text().splitlines()[0][8:], path.name) for path in RECORDS
    ]

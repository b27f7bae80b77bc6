"""What the pages for contributors tell to do works: a test does it in a copy of the project."""

from __future__ import annotations

import pytest

from host_tools import tool
from pages.page import Page
from pages.tree import TreeCopy
from pages.world import ROOT

PLACE = ROOT / "docs" / "contributing"
PAGES = sorted(path.stem for path in PLACE.glob("*.md") if path.stem != "README")


@pytest.mark.slow
@pytest.mark.parametrize("name", PAGES)
def test_the_steps_of_a_page_lead_where_they_should(name: str) -> None:
    stand_ins = {"youki": tool("runc")} if name == "sandbox-level" else {}
    with TreeCopy(**stand_ins) as copy:
        assert copy.follow(Page.read(PLACE / f"{name}.md")) == []


def test_what_is_added_has_a_page() -> None:
    assert {"command", "exporter", "lint-rule", "sandbox-level"} <= set(PAGES)

"""The pictures of the documentation are those that their script draws."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pictures
import pytest

DOCS = Path(__file__).resolve().parents[3] / "docs"


def test_the_files_are_up_to_date() -> None:
    written = {path.stem: path.read_text() for path in pictures.PLACE.glob("*.svg")}
    del written["demo"]  # a recording: scripts/record_demo.py
    assert written == {name: pictures.drawn(name) for name in pictures.PICTURES}


@pytest.mark.parametrize("name", pictures.PICTURES)
def test_no_text_is_wider_than_its_box(name: str) -> None:
    root = ET.fromstring(pictures.drawn(name))
    space = "{http://www.w3.org/2000/svg}"
    width = min(float(each.get("width", "")) for each in root.iter(f"{space}rect"))
    for text in root.iter(f"{space}text"):
        if text.get("class") != "note":
            assert len(text.text or "") * pictures.LETTER <= width
    across = float(root.get("viewBox", "").split()[2])
    notes = [each for each in root.iter(f"{space}text") if each.get("class") == "note"]
    assert all(len(each.text or "") * pictures.LETTER <= across for each in notes)


def test_every_picture_is_shown() -> None:
    page = (DOCS / "how-it-works.md").read_text()
    assert {*re.findall(r"pictures/(\w+)\.svg", page)} == set(pictures.PICTURES)

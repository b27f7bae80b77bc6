"""Pictures of the HTML report in the documentation: those that the script takes, and small."""

from __future__ import annotations

import re
from pathlib import Path

from report_pictures import MAX_BYTES, PARTS, PLACE, SIZES

PAGE = Path(__file__).resolve().parents[3] / "docs" / "guides" / "html-report.md"


def test_the_script_takes_what_is_there_and_it_is_small() -> None:
    names = {
        f"report-{each}-{scheme}.webp" for each in [*SIZES, *PARTS] for scheme in ("light", "dark")
    }
    there = {path.name: path for path in PLACE.glob("report-*")}
    assert set(there) == names
    for path in there.values():
        data = path.read_bytes()
        assert (data[:4], data[8:12]) == (b"RIFF", b"WEBP")
        assert len(data) <= MAX_BYTES


def test_the_page_shows_three_widths_and_both_schemes() -> None:
    shown = set(re.findall(r"pictures/(report-\S+?)\.webp", PAGE.read_text()))
    assert {f"report-{width}" for width in SIZES} <= {name.rpartition("-")[0] for name in shown}
    assert {name.rpartition("-")[2] for name in shown} == {"light", "dark"}

"""The recording of the demo: a picture of what a terminal showed, by time."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import record_demo

SPACE = "{http://www.w3.org/2000/svg}"
FRAMES = [
    (1.0, ["$ build", ""]),
    (2.0, ["$ build", "\x1b[1m\x1b[32mok\x1b[0m <1s>"]),
    (100.0, ["$ run", "\x1b[1m\x1b[32mok\x1b[0m <1s>"]),
]


def test_a_row_is_there_for_as_long_as_it_stays() -> None:
    root = ET.fromstring(record_demo.drawn(FRAMES))
    rows = [("".join(text.itertext()), text) for text in root.iter(f"{SPACE}text")]
    assert [text for text, _ in rows] == ["$ build", "$ run", "ok <1s>"]
    assert [row.get("visibility") for _, row in rows] == ["hidden", "visible", "visible"]
    (span,) = rows[0][1].iter(f"{SPACE}set")
    assert (span.get("begin"), span.get("end")) == ("1.00s", "100.00s")
    (colour,) = rows[2][1].iter(f"{SPACE}tspan")
    assert (colour.get("fill"), colour.get("font-weight")) == ("#8cc265", "bold")


def test_long_recordings_are_shortened_and_keep_their_end() -> None:
    moments = [moment for moment, _ in record_demo.shortened(FRAMES)]
    assert moments[-1] == record_demo.LASTS
    assert len(moments) == 2


def test_the_recording_ends_with_what_the_readme_shows() -> None:
    picture = record_demo.PLACE.read_text()
    root = ET.fromstring(picture)
    shown = [
        "".join(each.itertext())
        for each in root.iter(f"{SPACE}text")
        if each.get("visibility") == "visible"
    ]
    for command in record_demo.COMMANDS:
        assert any(command in row for row in shown)
    for done in record_demo.DONE:
        assert any(done in row for row in shown)
    readme = (Path(__file__).resolve().parents[3] / "README.md").read_text()
    for command in record_demo.COMMANDS:
        assert f"$ {command}\n" in readme
    assert not re.search(r"/(work|root|tmp|dev/shm)/", picture)

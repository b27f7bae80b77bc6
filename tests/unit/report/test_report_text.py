"""The report as text and Markdown: what it says, how long it is, what anybody's names do to it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from jettison.console.cells import width
from jettison.report.brief import MAX_LINES, brief
from jettison.report.contents import Duplicate, Waste
from jettison.report.full import full
from jettison.report.markdown import markdown
from jettison.report.model import Report
from jettison.report.verdict import Baseline, Budget, Delta, Gate
from jettison.report.words import surface_rows

SAMPLE = msgspec.json.decode(Path(__file__).with_name("go-scratch.json").read_bytes(), type=Report)
HOSTILE = "\x1b[2Ja|b`c\n## x\u202e<script>alert(1)</script>" + "x" * 300


def everything(text: str) -> Report:
    """Return a report with many of all, under names of somebody who means harm."""
    replace = msgspec.structs.replace
    stages = tuple(
        replace(
            each,
            name=f"{index}{text}",
            base=replace(each.base, ref=text),
            via=(text,) * 9,
            used=index % 3 > 0,
            steps=tuple(replace(step, instruction=text) for step in each.steps),
        )
        for index, each in enumerate(SAMPLE.stages * 20)
    )
    gate = Gate("max-size", text, text, ok=False, source=text)
    surface = SAMPLE.surface
    assert surface is not None
    assert surface.before is not None
    kinds = {f"kind{number}": 5 for number in range(30)}
    return replace(
        SAMPLE,
        image=replace(SAMPLE.image, ref=text, platform=text),
        stages=stages,
        crossings=tuple(replace(each, src=text, dst=text) for each in SAMPLE.crossings * 30),
        left_behind=tuple(replace(each, what=text) for each in SAMPLE.left_behind * 30),
        surface=replace(surface, before=replace(surface.before, packages=kinds)),
        waste=(Waste(text, 5, 1, text, 3, text, 4, "rewrite"),) * 30,
        duplicates=(Duplicate("x", 5, 3, (text,) * 3),) * 30,
        packages=tuple(replace(each, name=text) for each in SAMPLE.packages * 30),
        budget=Budget(ok=False, gates=(gate,) * 9),
        baseline=Baseline(text, text, 5, Delta(1, 2, 3, 4, 5, 6)),
    )


@pytest.mark.parametrize("report", [SAMPLE, everything("plain"), everything(HOSTILE)])
@pytest.mark.parametrize("columns", [20, 40, 80, 120, 300])
def test_the_brief_report_is_25_lines_at_most_and_fits_the_terminal(
    report: Report, columns: int
) -> None:
    lines = brief(report, columns).splitlines()
    assert len(lines) <= MAX_LINES == 25
    assert max(map(width, lines)) <= max(columns, 27)  # the table of stages has 4 columns


@pytest.mark.parametrize("columns", [40, 100])
def test_no_name_steers_a_terminal(columns: int) -> None:
    for text in (brief(everything(HOSTILE), columns), full(everything(HOSTILE), columns)):
        assert text.replace("\n", "").isprintable()
        assert not any(line.startswith("## x") for line in text.splitlines())


def test_no_name_has_a_meaning_in_markdown() -> None:
    text = markdown(everything(HOSTILE))
    assert "\n## x" not in text
    outside = "".join("".join(line.split("`")[::2]) for line in text.splitlines())
    assert "<" not in outside
    assert text.count("`") % 2 == 0
    rows = [line for line in text.splitlines() if line.startswith("|")]
    tables: list[set[int]] = [set()]
    for line in text.splitlines():
        if line.startswith("|"):
            tables[-1].add(line.count("|"))
        else:
            tables.append(set())
    assert rows
    assert all(len(each) <= 1 for each in tables)


def test_the_brief_report_says_the_numbers_of_the_report() -> None:
    text = brief(SAMPLE, 120)
    for words in (
        "app:dev  sha256:4b4b4b4b4b4b  linux/amd64",
        "399.8MB  17,698  80.45MB        7.461MB      72.99MB  11.4s",
        "7.461MB (4.1MB compressed), 1 layer, 0B wasted",
        "would be 399.8MB, this is 98.1% smaller (computed: ship `builder`",
        "base image 319.4MB (builder), Go build cache 72.99MB (builder)",
        "builder:/src/main → /main  7.461MB  line 9",
        "deb packages 91 → 0",
        "setuid/setgid 11 → 0",
        "3 of 6 steps reused, saved 9.6s",
        "ran builder/4 COPY main.go .: `main.go` changed",
        "with app:dev: size -12kB, files ±0",
        "max-size 10MB: 7.46MB, ok",
    ):
        assert words in text


def test_a_consequence_is_not_shown_beside_its_cause() -> None:
    assert "ran builder/5" not in brief(SAMPLE, 120)
    assert "builder/5 ran: builder/4 changed" in full(SAMPLE, 120)


def test_a_narrow_terminal_gets_fewer_columns() -> None:
    assert brief(SAMPLE, 60).splitlines()[1].split("  ")[0] == "STAGE"
    assert "BASE" not in brief(SAMPLE, 60)
    assert "BASE" in brief(SAMPLE, 80)


def test_the_page_has_all_sections_that_have_something() -> None:
    text = full(everything("plain"), 120)
    for title in ("Steps", "What crossed", "Left behind", "Layers", "Equal files", "Gates"):
        assert f"\n\n{title}\n" in text
    assert "Findings" not in text


def test_kinds_that_neither_side_has_are_left_out() -> None:
    names = [name for name, _, _ in surface_rows(SAMPLE)]
    assert "debuggers" not in names
    assert names[0] == "deb packages"

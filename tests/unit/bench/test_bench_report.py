"""The benchmark's reports say what was run, what failed and what is missed."""

from __future__ import annotations

import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))

from bench.__main__ import main  # noqa: E402
from bench.curves import Point, verdict  # noqa: E402
from bench.plot import bar_chart, growth_figure  # noqa: E402
from bench.process import Cost  # noqa: E402
from bench.report import BEGIN, END, as_text, missed, write_between_marks  # noqa: E402
from bench.results import Journal, Limit, Machine, Memory, Results, Run, results_of  # noqa: E402


def runs(case: str, peer: str, *walls: float, others: float = 0) -> list[Run]:
    return [
        Run(case, peer, number, Cost(wall=wall, cpu=wall / 2, peak_mib=30, others=others))
        for number, wall in enumerate(walls)
    ]


def line(curve: str, *seconds: float) -> list[Point]:
    return [
        Point(curve, "jettison", 100 * number + 1, wall, wall)
        for number, wall in enumerate(seconds)
    ]


RECORDS = [
    Machine("6.1", 2, "2026-01-01", {"jettison": "1"}),
    *runs("w1", "jettison", 1, 2, 3),
    *runs("w1", "docker-ovl", 2, 4, 12),
    *runs("w1", "docker-c8d", 9, 9, 9),
    *runs("w3", "jettison", 1),
    *runs("w3", "buildah", 4),
    Run("w3", "podman", 0, failure="`podman build` ended with 1\nno | space"),
    *runs("copy40-cached", "jettison", 1),
    *runs("copy40-cached", "buildah", 5),
    Run("w7", "jettison", 0, failure="lost"),
    Memory("w1", 200, 10),
    Limit("crun run true", missing="not installed"),
    Limit("sha256", 1500, "MiB/s"),
    *line("stages", 1, 2, 3, 4, 5),
    *line("steps", 1, 2, 3, 4, 8),
    Point("steps", "docker-ovl", 300, failure="too many layers"),
]


def test_a_ratio_is_that_of_medians_to_the_faster_buildkit_and_spreads_over_pairs() -> None:
    row = results_of(RECORDS).rows[0]
    assert row.buildkit
    assert (row.buildkit.rival, row.buildkit.value) == ("docker-ovl", 0.5)
    assert (row.buildkit.low, row.buildkit.high) == (0.25, 0.5)
    assert not row.missed
    assert row.above_mib == 190


def test_a_case_without_buildkit_has_its_other_ratios_and_failures() -> None:
    row = results_of(RECORDS).rows[1]
    assert row.buildkit is None
    assert row.buildah
    assert row.buildah.value == 0.25
    assert "no | space" in row.failures["podman"]


def test_disturbed_runs_do_not_count_while_half_are_quiet() -> None:
    disturbed = runs("w1", "a", 0, 0, 9, 9, others=1)[2:]
    side = results_of([*runs("w1", "a", 1, 1), *disturbed]).rows[0].sides["a"]
    assert (side.wall, side.runs, side.of) == (1, 2, 4)
    side = results_of([*runs("w1", "a", 1), *disturbed]).rows[0].sides["a"]
    assert (side.wall, side.runs, side.of) == (9, 3, 3)


def test_what_is_missed_is_listed() -> None:
    assert missed(results_of(RECORDS)) == [
        "copy40-cached: 0.20, wanted 0.15",
        "w7: failed: lost",
        "w1: 190 MiB above the interpreter",
        "growth over steps: 25.00 ms a unit at the end, 10.00 in the middle",
    ]


def test_growth_is_judged_by_the_middle_and_the_last_units() -> None:
    even, steep = verdict(line("a", 1, 2, 3, 4, 5.9)), verdict(line("a", 1, 2, 3, 4, 6.1))
    assert even
    assert even.holds
    assert steep
    assert not steep.holds
    assert verdict(line("a", 1, 2, 3)) is None


def test_the_tables_say_everything() -> None:
    text = as_text(results_of(RECORDS))
    assert (
        "| W1 Python example, all cached | 2.000 | 4.000 | 0.50 (0.25 to 0.50) | 0.5 | reached |"
        in text
    )
    assert "0.15 of buildah | missed | 0.20" in text
    assert "- w3, podman: failed: `podman build` ended with 1 no | space" in text
    assert "| crun run true | not measured: not installed |" in text
    assert "| steps | jettison | 1: 1.00, 101: 2.00" in text
    assert "- steps, docker-ovl, 300 units: failed: too many layers" in text
    rows = [row for row in text.splitlines() if row.startswith("|")]
    assert all(row.replace("\\|", "").endswith("|") for row in rows)


@pytest.mark.parametrize("records", [RECORDS, []], ids=["some", "none"])
def test_pictures_are_well_formed(records: list[Run]) -> None:
    results = results_of(records)
    ET.fromstring(bar_chart(results.rows))
    ET.fromstring(growth_figure(results.points))


def test_a_journal_keeps_what_was_measured_and_asks_for_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    first = Journal(path, resume=False)
    for record in RECORDS:
        first.add(record)
    again = Journal(path, resume=True)
    assert again.records == RECORDS
    assert again.has_run("w1", "jettison", 2)
    assert not again.has_run("w1", "jettison", 3)
    assert not again.has_run("w7", "jettison", 0)  # it failed
    assert again.has_memory("w1")
    assert again.has_limits()
    assert again.has_point("stages", "jettison", 101)
    assert not again.has_point("steps", "docker-ovl", 300)
    assert Journal(path, resume=False).records == []


def test_the_generated_part_of_a_page_is_replaced(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    write_between_marks(page, "new")
    write_between_marks(page, "newer")
    assert page.read_text() == f"before\n{BEGIN}\n\nnewer\n{END}\nafter\n"
    page.write_text("no marks")
    with pytest.raises(ValueError, match="has no lines"):
        write_between_marks(page, "new")


def test_results_can_be_shown_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    results = results_of(RECORDS)
    (tmp_path / "results.json").write_bytes(msgspec.json.encode(results))
    argv = ["bench", "--results", str(tmp_path / "results.json"), "--out", str(tmp_path / "out")]
    monkeypatch.setattr(sys, "argv", argv)
    assert main() == 1
    assert "missed: w7: failed: lost" in capsys.readouterr().out
    written = (tmp_path / "out/results.json").read_bytes()
    assert msgspec.json.decode(written, type=Results) == results
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "results.json", "ratios.svg", "growth.svg",
    }  # fmt: skip


def test_the_page_of_the_documentation_has_marks() -> None:
    text = (ROOT / "docs/benchmark.md").read_text()
    assert text.index(BEGIN) < text.index(END)

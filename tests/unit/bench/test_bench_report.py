"""The benchmark's workloads build the same contexts everywhere, its reports say what was run."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))

from bench import workloads  # noqa: E402
from bench.process import CommandError, Cost, run  # noqa: E402
from bench.report import as_text, bar_chart, curve_chart, summary, write_json  # noqa: E402


def cost(wall: float) -> Cost:
    return Cost(wall=wall, cpu=wall / 2, peak_mib=30, others=0)


RUNS = {
    "w1": {"jettison": [cost(1), cost(2), cost(3)], "docker": [cost(2), cost(4), cost(12)]},
    "w3": {"jettison": [cost(1)], "buildah": [cost(4)], "podman": [cost(2)]},
    "w7": {"jettison": [cost(1)]},
}


def test_ratios_are_medians_of_neighbouring_runs_against_buildkit_or_the_fastest_other() -> None:
    table = summary(RUNS, {"w1": 0.5, "w3": 0.0, "w7": 0.0})
    assert (table["w1"]["rival"], table["w1"]["ratio"], table["w1"]["limit"]) == (
        "docker",
        0.5,
        0.5,
    )
    assert (table["w1"]["ratio_low"], table["w1"]["ratio_high"]) == (0.25, 0.5)
    assert (table["w3"]["rival"], table["w3"]["ratio"]) == ("podman", 0.5)
    assert "ratio" not in table["w7"]
    assert "geometric mean of the ratios: 0.50" in as_text(table)


def test_pictures_are_well_formed(tmp_path: Path) -> None:
    table = summary(RUNS, {"w1": 0.5})
    ET.fromstring(bar_chart(table))
    ET.fromstring(curve_chart("a < b", {"jettison": {1: 0.1, 400: 2.0}, "docker": {1: 0.2}}))
    ET.fromstring(curve_chart("nothing", {}))
    write_json(tmp_path / "r.json", runs=RUNS)
    assert json.loads((tmp_path / "r.json").read_text())["runs"]["w7"]["jettison"][0]["wall"] == 1


def test_a_command_is_measured_and_its_failure_is_told() -> None:
    done = run([sys.executable, "-c", "sum(range(3_000_000))"])
    assert 0 < done.cpu <= done.wall * 8
    assert done.peak_mib > 1
    with pytest.raises(CommandError, match="ended with 3\nwhy"):
        run([sys.executable, "-c", "import sys; print('why'); sys.exit(3)"])


def test_workloads_are_the_same_each_time(tmp_path: Path) -> None:
    for name in ("one", "two"):
        workloads.write_all(tmp_path / name, scale=0.002, registry="localhost:5000")
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*.*"))
    assert {"w1", "w2", "w4", "w5", "w9"} <= {path.parts[0] for path in files}
    for path in files:
        assert (tmp_path / "one" / path).read_bytes() == (tmp_path / "two" / path).read_bytes()
    assert (tmp_path / "one/w9/Dockerfile").read_text().count("FROM scratch") == 200
    assert "FROM localhost:5000/library/" in (tmp_path / "one/w7/Dockerfile").read_text()

"""The benchmark measures what it says, for the builders that are there, and survives failures."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))

from bench import workloads  # noqa: E402
from bench.cases import TITLES, WANTED, cases  # noqa: E402
from bench.measure import Measurement  # noqa: E402
from bench.memory import interpreter, peak_of  # noqa: E402
from bench.peers import Peer, find_peers  # noqa: E402
from bench.process import CommandError, Runner  # noqa: E402
from bench.results import Journal, results_of  # noqa: E402

BUILDER = """#!/bin/sh
# a builder that says what it was asked; `fail` in its environment makes builds fail
echo "$0 $*" >> {log}
case "$*" in
  *info*) echo "$store" ;;
  *build\\ *) if [ -n "$fail" ]; then echo "no room"; exit 1; fi ;;
esac
"""


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path / "output.log", timeout=20)


@pytest.fixture
def builder(tmp_path: Path) -> Path:
    program = tmp_path / "builder"
    program.write_text(BUILDER.format(log=tmp_path / "calls"))
    program.chmod(0o755)
    return program


def found(runner: Runner, work: Path, *settings: str) -> list[Peer]:
    (work / "out").mkdir(exist_ok=True)
    return list(find_peers(settings, (), runner=runner, work=work, registry="localhost:1"))


def test_a_command_is_measured(runner: Runner) -> None:
    busy = [sys.executable, "-c", "sum(range(3_000_000))"]
    cost = runner.measure([busy, busy], env={}, daemons=[os.getpid()])
    assert 0 < cost.cpu <= cost.wall * 8
    assert cost.peak_mib > 1


def test_a_failure_is_told_with_the_end_of_what_was_said(runner: Runner) -> None:
    with pytest.raises(CommandError, match="ended with 3\nwhy"):
        runner.run([sys.executable, "-c", "import sys; print('why'); sys.exit(3)"], env={})
    with pytest.raises(CommandError, match="No such file"):
        runner.run(["/there/is/none"], env={})


def test_a_command_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    runner = Runner(tmp_path / "log", timeout=0.05)
    with pytest.raises(CommandError, match="for lack of time"):
        runner.run(["sleep", "20"], env={})


def test_memory_is_that_of_our_processes_and_not_of_their_steps(runner: Runner) -> None:
    child = "x = bytearray(80 << 20); import time; time.sleep(0.3)"
    for name, most in (("jettison-helper", 1000), ("step", 60)):
        script = (
            "import subprocess, sys; "
            f"subprocess.run(['/jettison/python', '-c', {child!r}, {name!r}],"
            " executable=sys.executable, check=True)"
        )
        peak = peak_of(runner, [sys.executable, "-c", script], env={})
        assert (peak > 80) == (name == "jettison-helper")
        assert peak < most
    assert 3 < interpreter(runner) < 60
    with pytest.raises(CommandError, match="ended with 4"):
        peak_of(runner, [sys.executable, "-c", "raise SystemExit(4)"], env={})


def test_builders_that_are_missing_are_left_out_and_told(
    runner: Runner, builder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    peers = found(runner, tmp_path, "docker-x=/there/is/none", f"buildah=key=value {builder}")
    assert [peer.name for peer in peers] == ["buildah"]
    assert peers[0].env == {"key": "value"}
    assert "docker-x: left out: no program" in capsys.readouterr().err
    with pytest.raises(ValueError, match="a name begins with one of"):
        found(runner, tmp_path, "kaniko=true")


def test_docker_exports_as_its_image_store_can(
    runner: Runner, builder: Path, tmp_path: Path
) -> None:
    plain, packed = found(
        runner, tmp_path, f"docker-a=store=overlay2 {builder}",
        f"docker-b=store=io.containerd.snapshotter.v1 {builder}",
    )  # fmt: skip
    assert "gzip -6" in plain.export(tmp_path, "tag", "gzip")[-1][-1]
    [one] = packed.export(tmp_path, "tag", "zstd")
    assert any("compression=zstd,force-compression=true" in word for word in one)


def test_every_builder_has_every_case(runner: Runner, builder: Path, tmp_path: Path) -> None:
    workloads.write_all(tmp_path / "w", scale=0.0001, registry="localhost:1")
    peers = found(
        runner, tmp_path, f"jettison={builder}", f"docker={builder}", f"buildah={builder}",
        f"podman={builder}",
    )  # fmt: skip
    for peer in peers:
        names = {case.name for case in cases(peer, tmp_path / "w", empty=True)}
        lacks = {"w3-jobs4"} if peer.name == "docker" else set()
        if peer.name in {"buildah", "podman"}:
            lacks = {name for name in TITLES if "-remote" in name} | {"npm-mounts", "platforms"}
        assert names == TITLES.keys() - lacks
        assert names >= WANTED.keys() - lacks
    kept = {case.name for case in cases(peers[1], tmp_path / "w", empty=False)}
    assert "w7" not in kept


def test_one_that_fails_does_not_stop_the_others(
    runner: Runner, builder: Path, tmp_path: Path
) -> None:
    workloads.write_all(tmp_path / "w", scale=0.0001, registry="localhost:1")
    peers = found(runner, tmp_path, f"jettison={builder}", f"buildah=fail=1 {builder}")
    journal = Journal(tmp_path / "journal", resume=False)
    measurement = Measurement(peers, tmp_path / "w", runner, journal)
    measurement.cases(["w7", "w8"], 2, empty=True)
    rows = results_of(journal.records).rows
    assert [row.case for row in rows] == ["w7", "w8", "w8-cached"]
    for row in rows:
        assert row.sides["jettison"].of == 2
        assert "no room" in row.failures["buildah"]
        assert row.above_mib is not None
    before = len(journal.records)
    measurement.cases(["w8"], 2, empty=True)  # only what failed is tried again
    assert [record.peer for record in journal.records[before:]] == ["buildah", "buildah"]


def test_slow_builders_get_no_more_runs_than_their_budget(
    runner: Runner, builder: Path, tmp_path: Path
) -> None:
    workloads.write_all(tmp_path / "w", scale=0.0001, registry="localhost:1")
    peers = found(runner, tmp_path, f"jettison={builder}", f"buildah={builder}")
    journal = Journal(tmp_path / "journal", resume=False)
    Measurement(peers, tmp_path / "w", runner, journal).cases(["w1"], 3, empty=True, budget=0)
    [row] = results_of(journal.records).rows
    assert (row.sides["jettison"].of, row.sides["buildah"].of) == (3, 1)


def test_curves_end_where_a_builder_fails(runner: Runner, builder: Path, tmp_path: Path) -> None:
    peers = found(runner, tmp_path, f"jettison={builder}", f"docker=fail=1 {builder}")
    journal = Journal(tmp_path / "journal", resume=False)
    Measurement(peers, tmp_path, runner, journal).curves(tmp_path / "c", 0.002)
    points = results_of(journal.records).points
    ours = [point for point in points if point.peer == "jettison"]
    assert {point.curve for point in ours} == {"stages", "files", "steps", "layers"}
    assert max(point.units for point in ours) == 400
    assert [point.curve for point in points if point.failure] == [
        "stages",
        "files",
        "steps",
        "layers",
    ]


def test_workloads_are_the_same_each_time(tmp_path: Path) -> None:
    for name in ("one", "two"):
        workloads.write_all(tmp_path / name, scale=0.002, registry="localhost:5000")
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*.*"))
    assert {"w1", "w2", "w4", "w5", "w9"} <= {path.parts[0] for path in files}
    for path in files:
        assert (tmp_path / "one" / path).read_bytes() == (tmp_path / "two" / path).read_bytes()
    assert (tmp_path / "one/w9/Dockerfile").read_text().count("FROM scratch") == 200
    assert "FROM localhost:5000/library/" in (tmp_path / "one/w7/Dockerfile").read_text()

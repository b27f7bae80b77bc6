"""The measurement of what checks cost: its image is what it says, and a build of it is measured."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench.checks import costs

from jettison.analysis.loader.base import Environment, Verdict
from jettison.analysis.loader.closure import loader_of
from jettison.analysis.rootfs import Rootfs
from unit.analysis.tree_rig import files_of


def test_the_image_has_programs_that_load_and_a_build_of_it_costs_something(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(costs, "FILES", 40)
    monkeypatch.setattr(costs, "PROGRAMS", 8)
    context = costs.make_context(tmp_path / "context")
    root = Rootfs(files_of(context / "tree", {}))
    assert 2 <= len(root.programs.elves) <= 8
    architecture = next(iter(root.programs.elves.values())).architecture
    environment = Environment(architecture=architecture)
    closures = [root.fact(loader_of).closure(path, environment) for path in root.programs.elves]
    assert {each and each.verdict for each in closures} == {Verdict.STARTS}
    cost = costs.build(context, tmp_path / "store", costs.CASES["checks"])
    assert cost.wall > 0
    assert cost.cpu > 0
    assert cost.peak > 10


def test_medians_are_shown_with_what_is_more(capsys: pytest.CaptureFixture[str]) -> None:
    one, more = costs.Cost(1.0, 0.5, 50), costs.Cost(1.25, 0.625, 60)
    costs.show("cold", {"neither": [one] * 3, "checks": [more] * 3})
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["cold", "neither", "1000ms", "0ms", "500ms", "0ms", "50", "MB"]
    assert lines[1].split() == ["cold", "checks", "1250ms", "250ms", "625ms", "125ms", "60", "MB"]

"""What is told where there is nothing, or something unusual, to compare with."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from jettison.why.compare import Comparison
from jettison.why.explain import explain
from jettison.why.explanation import Explanation, StepReason
from jettison.why.finding import Finding
from jettison.why.fixes import fix_of
from jettison.why.ops import instruction_changed
from jettison.why.written import stage_traces
from why_simulation import Simulation

TEXT = "FROM scratch AS a\nCOPY . /src\nRUN npm ci\nRUN make\n"


@pytest.fixture
def simulation(tmp_path: Path) -> Simulation:
    made = Simulation(tmp_path / "context")
    made.write({"package.json": "{}", "src/x.js": "1"})
    return made


def causes(found: Explanation) -> list[str]:
    return [found.roots[each.root].cause for each in found.steps]


def told(found: Explanation) -> list[tuple[StepReason, str]]:
    return list(zip(found.steps, causes(found), strict=True))


def test_the_first_build_has_one_cause(simulation: Simulation) -> None:
    found = simulation.build(TEXT)
    assert causes(found) == ["first-build"] * 3
    assert len(found.roots) == 1
    assert found.roots[0].cost_ns == 3 * 2 * 10**9
    assert found.compared_ns == 0


def test_keys_of_another_version_are_not_compared(simulation: Simulation) -> None:
    simulation.build(TEXT)
    old = simulation.builds[-1]
    trace = msgspec.structs.replace(old.trace, key_version="jettison-key-0")
    simulation.builds[-1] = msgspec.structs.replace(old, trace=trace)
    simulation.cache.clear()
    found = simulation.build(TEXT)
    assert causes(found) == ["key-format"] * 3
    assert found.roots[0].before == "jettison-key-0"


def test_what_was_forgotten_was_pruned(simulation: Simulation) -> None:
    simulation.build(TEXT)
    simulation.cache.clear()
    assert causes(simulation.build(TEXT)) == ["pruned"] * 3


def test_a_step_that_failed_runs_again_and_those_after_it_for_the_first_time(
    simulation: Simulation,
) -> None:
    text = (
        f"{TEXT}FROM scratch AS b\nRUN other\nFROM scratch\nCOPY --from=a / /\nCOPY --from=b / /\n"
    )
    failed = simulation.build(text, fails_at="npm ci")
    assert [each.failed for each in failed.steps] == [False, True]
    found = {each.line: found for each, found in told(simulation.build(text))}
    assert found == {3: "failed", 4: "failed", 6: "not-reached", 8: "failed", 9: "not-reached"}


def test_the_build_with_most_in_common_is_compared_not_the_last(simulation: Simulation) -> None:
    simulation.build(TEXT)
    simulation.write({"src/x.js": "2"})
    simulation.build(TEXT)
    simulation.write({"src/x.js": "1"})
    assert simulation.build(TEXT).steps == ()
    found = simulation.build(TEXT.replace("RUN make", "RUN make all"))
    assert causes(found) == ["instruction-changed"]


def test_files_that_are_not_known_are_not_named(simulation: Simulation) -> None:
    simulation.build(TEXT)
    simulation.preimages.clear()
    simulation.write({"src/x.js": "2"})
    found = simulation.build(TEXT)
    assert causes(found) == ["files"] * 3
    assert found.roots[0].files == ()


def test_other_causes_of_a_step_are_told_as_well(simulation: Simulation) -> None:
    simulation.build(TEXT)
    simulation.write({"src/x.js": "2"})
    found = simulation.build(TEXT.replace("RUN make", "RUN make all"))
    assert causes(found) == ["file-content", "file-content", "instruction-changed"]
    last = found.steps[-1]
    assert [found.roots[index].cause for index in last.also] == ["file-content"]
    assert last.direct
    assert not found.steps[1].direct


def test_the_dearest_cause_comes_first(simulation: Simulation) -> None:
    text = "FROM scratch AS a\nRUN one\nFROM scratch AS b\nRUN two\nRUN three\nFROM scratch\n"
    text += "COPY --from=a / /a\nCOPY --from=b / /b\n"
    simulation.build(text)
    found = simulation.build(text.replace("RUN one", "RUN 1").replace("RUN two", "RUN 2"))
    assert [root.subject for root in found.roots] == ["RUN 2", "RUN 1"]
    assert [len(root.steps) for root in found.roots] == [3, 2]


@pytest.mark.parametrize(
    ("files", "advice"),
    [
        ({"src/x.js": "2"}, "copy `package.json` before line 2, and `RUN npm ci` between the two"),
        ({"package.json": "{2}"}, ""),
        ({"README.md": "2"}, "leave `README.md` out with the ignore file"),
        ({"node_modules/a/b.js": "2"}, "leave `node_modules` out with the ignore file"),
        ({"a.log": "2", ".git/index": "2"}, "leave `.git` and `a.log` out with the ignore file"),
    ],
)
def test_what_to_do_about_files(simulation: Simulation, files: dict[str, str], advice: str) -> None:
    simulation.write(dict.fromkeys(files, "1"))
    simulation.build(TEXT)
    simulation.write(files)
    (root,) = simulation.build(TEXT).roots
    assert root.fix == advice


def test_there_is_no_advice_about_what_was_meant(simulation: Simulation) -> None:
    simulation.build(TEXT)
    finding = instruction_changed("v", 3, "RUN a", "RUN b")
    trace = simulation.builds[0].trace
    assert fix_of(finding, trace.steps, trace, simulation.preimages.get) == ""
    assert "sha256" in fix_of(Finding("base-moved", "x", subject="a:1"), (), trace, {}.get)
    assert fix_of(Finding("base-moved", "x", subject="a@sha256:1"), (), trace, {}.get) == ""


def test_a_damaged_trace_ends_in_unknown_not_in_an_error(simulation: Simulation) -> None:
    simulation.build(TEXT)
    simulation.build(TEXT.replace("make", "make all"))
    then, now = (each.trace for each in simulation.builds)
    last = now.steps[-1]
    circle = msgspec.structs.replace(now.steps[1], base=last.vertex)
    odd = msgspec.structs.replace(now, steps=(now.steps[0], circle, *now.steps[2:]), stages=())
    found = Comparison(odd, then, {}.get).reasons(last.vertex)
    assert found
    assert explain(msgspec.structs.replace(simulation.builds[1], trace=now), (), {}.get).steps
    assert callable(stage_traces)

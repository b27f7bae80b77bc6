"""Gates: what is kept, what is not, with which status, and what to look at first."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from jettison.console.message import error_message
from jettison.report.contents import Waste
from jettison.report.gates import failure, judge
from jettison.report.limits import from_flags, from_table
from jettison.report.model import Layer, Report
from jettison.report.verdict import Baseline, Budget, Delta, Gate

replace = msgspec.structs.replace
SAMPLE = msgspec.json.decode(Path(__file__).with_name("go-scratch.json").read_bytes(), type=Report)
DIFF = "sha256:" + "ab" * 32


def layer(line: int, size: int, instruction: str = "RUN x", *, base: bool = False) -> Layer:
    return Layer(f"{DIFF}{line}", f"final/{line}", "final", line, instruction, base, size, size, 1)


IMAGE = replace(
    SAMPLE.image,
    shipped=1000,
    visible=900,
    wasted=100,
    efficiency=0.9,
    user="",
    layers=(
        layer(0, 100, base=True),
        layer(0, 200, base=True),
        *(layer(2, 50), layer(3, 400, "COPY a b"), layer(4, 250)),
    ),
)
WASTE = tuple(
    Waste(f"/{number}", number, 1, "final/2", 2, "final/4", 4, "rewrite")
    for number in (10, 40, 20, 30)
)
REPORT = replace(SAMPLE, image=IMAGE, waste=WASTE)


def one(report: Report, name: str, text: str) -> Gate:
    budget = judge(report, from_flags({name: text}))
    (gate,) = budget.gates
    assert budget.ok is gate.ok
    return gate


@pytest.mark.parametrize(("text", "ok"), [("1000", True), ("999", False), ("1kB", True)])
def test_the_size_is_what_is_shipped(text: str, ok: bool) -> None:
    gate = one(REPORT, "max-size", text)
    assert (gate.ok, gate.value, gate.source) == (ok, "1kB", "--max-size")
    assert bool(gate.causes) is not ok


def test_the_three_largest_causes_are_named_the_base_image_as_one() -> None:
    causes = one(REPORT, "max-size", "1").causes
    assert [each.bytes for each in causes] == [400, 300, 250]
    assert causes[0].text == "line 3: COPY a b"
    assert causes[1].text.startswith("base image ")


@pytest.mark.parametrize(
    ("grown", "text", "ok"),
    [(50, "5%", True), (51, "5%", False), (51, "51", True), (-9, "0", True), (1, "0", False)],
)
def test_growth_is_against_the_baseline(grown: int, text: str, ok: bool) -> None:
    known = (f"{DIFF}0", f"{DIFF}3")
    baseline = Baseline("app:main", "x", 1000, Delta(grown, None, 0, 0, 0, 0), known)
    gate = one(replace(REPORT, baseline=baseline), "max-growth", text)
    assert gate.ok is ok
    assert "against app:main" in gate.value
    if not ok:
        assert [each.bytes for each in gate.causes] == [250, 50]


def test_growth_without_a_baseline_says_so() -> None:
    gate = one(replace(REPORT, baseline=None), "max-growth", "1%")
    assert (gate.ok, gate.value) == (True, "there is no build to compare with")


@pytest.mark.parametrize(
    ("text", "ok"), [("100", True), ("99", False), ("10%", True), ("9%", False)]
)
def test_waste_is_bytes_or_a_share_of_what_is_shipped(text: str, ok: bool) -> None:
    gate = one(REPORT, "max-wasted", text)
    assert gate.ok is ok
    if not ok:
        assert [each.bytes for each in gate.causes] == [40, 30, 20]
        assert gate.causes[0].text == "/40: rewrite, shipped by line 2, hidden by line 4"


def test_what_is_forbidden_is_counted_with_the_first_paths() -> None:
    surface = SAMPLE.surface
    assert surface is not None
    after = replace(surface.after, shells=5, setuid=1, paths={"shells": ("/bin/a", "/bin/b")})
    report = replace(REPORT, surface=replace(surface, after=after))
    gate = one(report, "forbid", "setuid,shells,compilers")
    assert (gate.ok, gate.value) == (False, "5 shells, 1 setuid")
    assert gate.causes[0].text == "shells: /bin/a, /bin/b and 3 more"
    assert one(report, "forbid", "pkgmgrs,netclients").ok
    assert not one(replace(report, surface=None), "forbid", "shells").ok


@pytest.mark.parametrize(
    ("user", "ok"),
    [("", False), ("root", False), ("0", False), ("0:5", False), ("000", False), ("root:x", False),
     ("65532", True), ("app", True), ("1:0", True)],
)  # fmt: skip
def test_root_is_no_user(user: str, ok: bool) -> None:
    report = replace(REPORT, image=replace(IMAGE, user=user))
    assert one(report, "require-user", "true").ok is ok


def test_limits_of_dive_are_judged_by_our_numbers() -> None:
    table = {"lowestEfficiency": 0.9, "highestUserWastedPercent": 0.142, "highestWastedBytes": 99}
    gates = {each.name: each.ok for each in judge(REPORT, from_table(table, "x")).gates}
    assert gates == {"lowest-efficiency": True, "max-user-wasted": False, "max-wasted": False}


def test_the_first_gate_that_failed_gives_the_status_and_all_are_told() -> None:
    flags = {"require-user": "true", "max-wasted": "1", "max-size": "5MB"}
    budget = judge(REPORT, from_flags(flags))
    error = failure(budget)
    assert error is not None
    assert error.exit_status == 22
    text = error_message(error)
    assert text.startswith("ERROR: 2 limits are not kept, nothing was tagged or pushed\n")
    assert "max-wasted 1 (--max-wasted): 100B\n       40B  /40: rewrite" in text
    assert "runs as root" in text
    assert budget.size == 5_000_000


def test_statuses_are_distinct_and_a_budget_that_is_kept_is_no_error() -> None:
    statuses = {}
    for name in (
        "max-size",
        "max-growth",
        "max-wasted",
        "forbid",
        "require-user",
        "lowest-efficiency",
    ):
        error = failure(Budget(ok=False, gates=(Gate(name, "x", "y", ok=False, source="z"),)))
        assert error is not None
        statuses[name] = error.exit_status
    assert sorted(statuses.values()) == [20, 21, 22, 23, 24, 25]
    assert failure(judge(REPORT, from_flags({"max-size": "1GB"}))) is None

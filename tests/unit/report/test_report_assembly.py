"""Parts of a report from hand-made sums: what one stage would ship, surfaces, what was left."""

from __future__ import annotations

import pytest

from jettison.analysis.packages.base import Package
from jettison.analysis.packages.catalog import Catalog
from jettison.analysis.surface import SurfaceFacts
from jettison.provenance.amount import Amount
from jettison.provenance.record import BuildRecord, StageRecord
from jettison.provenance.totals import ImageTotals, StageTotals, Totals
from jettison.report.assembly.image import counterfactual, saving
from jettison.report.assembly.left import LeftFiles, what_is
from jettison.report.assembly.surface import RootFacts, packages, surface_change


def record(*parents: int) -> BuildRecord:
    stages = tuple(
        StageRecord(index, name=f"s{index}", needed=True, parent=parent)
        for index, parent in enumerate(parents)
    )
    return BuildRecord((), stages, len(parents) - 1)


def stage(index: int, base: int, added: int, reached: int, produced: int) -> StageTotals:
    total = Amount(base + added, 1)
    return StageTotals(
        index, total, Amount(base, 1), Amount(added, 1), Amount(reached, 1), Amount(produced, 1)
    )


def sums(*stages: StageTotals, shipped: int, images: tuple[ImageTotals, ...] = ()) -> Totals:
    amount = Amount(shipped, 1)
    return Totals(stages, images, (), amount, amount, Amount(), is_complete=True)


def test_a_single_stage_ships_the_builder_and_what_the_others_add() -> None:
    builder, other, final = (
        stage(0, 1000, 80, 7, 7), stage(1, 500, 40, 5, 5), stage(2, 0, 15, 15, 3),
    )  # fmt: skip
    found = counterfactual(
        record(-1, -1, -1), sums(builder, other, final, shipped=15), {0: 1080, 1: 540, 2: 15}
    )
    assert found is not None
    assert (found.method, found.primary, found.bytes) == ("computed", "s0", 1080 + 40 + 3)
    assert found.rule == "ship `s0` with what `s1`, `s2` would add to it"
    assert found.saving == saving(15, 1123) == round(1 - 15 / 1123, 6)


def test_files_of_other_images_are_shipped_by_a_single_stage_too() -> None:
    images = (ImageTotals("nginx", Amount(9, 1)), ImageTotals("base", Amount(5, 1), 1))
    totals = sums(stage(0, 10, 8, 7, 7), stage(1, 5, 1, 1, 1), shipped=22, images=images)
    found = counterfactual(record(-1, -1), totals, {0: 18, 1: 6})
    assert found is not None
    assert found.bytes == 18 + 1 + 9


def test_stages_that_the_image_is_from_anyway_leave_nothing_to_compare() -> None:
    one = sums(stage(0, 5, 5, 5, 5), shipped=10)
    assert counterfactual(record(-1), one, {0: 10}) is None
    chain = sums(stage(0, 5, 5, 5, 5), stage(1, 10, 1, 1, 1), shipped=11)
    assert counterfactual(record(-1, 0), chain, {0: 10, 1: 11}) is None


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("/root/.cache/go-build/ab/x", "go cache"),
        ("/go/pkg/mod/cache/download/x", "go cache"),
        ("/var/lib/apt/lists/x", "apt cache"),
        ("/root/.npm/_cacache/index/x", "npm cache"),
        ("/root/.m2/repository/a.jar", "maven cache"),
        ("/usr/local/cargo/registry/x", "cargo cache"),
        ("/usr/lib/gcc/x86/cc1", "/usr/lib"),
        ("/main.go", "/"),
    ],
)
def test_what_was_left_is_called_by_its_usual_name(path: str, what: str) -> None:
    assert what_is(path) == what


def test_what_was_left_is_summed_up_the_largest_first() -> None:
    left = LeftFiles()
    left.add(0, "/src", ["a", "b"], [5, 6])
    left.add(1, "/src", ["empty"], [0])
    totals = (stage(0, 100, 11, 0, 0), stage(1, 50, 0, 0, 0), stage(2, 70, 1, 1, 1))
    lines = left.lines(totals, {0: 30, 1: 50}, {0: "s0", 1: "s1", 2: "s2"})
    assert [(each.stage, each.what, each.bytes) for each in lines] == [
        ("s0", "base image", 70),
        ("s0", "/src", 11),
    ]


def facts(paths: dict[str, tuple[str, ...]], *found: Package) -> RootFacts:
    counts = {kind: len(each) for kind, each in paths.items()}
    return RootFacts(SurfaceFacts(9, counts, paths), Catalog(found, ("/var/lib/rpm/Packages",)))


def test_surfaces_are_compared_by_paths_and_packages_by_name_and_version() -> None:
    bash, libc, newer = (
        Package("deb", "bash", "5", 7, 1),
        Package("deb", "libc6", "2", 20, 2),
        Package("deb", "libc6", "3", 21, 2),
    )
    before = facts({"shells": ("/bin/bash", "/bin/sh"), "setuid": ("/bin/su",)}, bash, libc)
    after = facts({"shells": ("/bin/sh",)}, newer)
    change = surface_change(after, "final", before, "build")
    assert change.before is not None
    assert (change.before.stage, change.before.shells, change.after.shells) == ("build", 2, 1)
    assert change.removed == {"shells": ("/bin/bash",), "setuid": ("/bin/su",)}
    assert change.after.packages == {"deb": 1}
    assert change.after.unread == ("/var/lib/rpm/Packages",)
    rows = [(each.name, each.version, each.before, each.after) for each in packages(after, before)]
    assert rows == [
        ("bash", "5", True, False),
        ("libc6", "2", True, False),
        ("libc6", "3", False, True),
    ]
    assert surface_change(after, "only", None, "").before is None

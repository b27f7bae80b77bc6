from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from jettison.fs.listing import Listing
from jettison.oci.digest import Digest
from jettison.provenance.amount import Amount
from jettison.provenance.chain import Provenance, Way
from jettison.provenance.follow import ProducedFiles
from jettison.provenance.origin import CopiedSource, CopyOrigins, SourceKind
from jettison.provenance.record import (
    BuildRecord,
    StageRecord,
    StageStep,
    StepKind,
    StepRecord,
)
from jettison.provenance.totals import totals
from jettison.store.layer import LayerId
from listing_rig import listing


def step(kind: StepKind, layer: str = "", **more: Any) -> StepRecord:
    return StepRecord(
        Digest(f"sha256:{layer}"),
        kind,
        f"[s 1/1] {kind.value} {layer}",
        layers=(LayerId(layer),) if layer else (),
        **more,
    )


def tree(source: int, root: str, target: str) -> CopyOrigins:
    return CopyOrigins((CopiedSource(SourceKind.FILE, source, root, target),), ((target, 0),))


LISTINGS = {
    "golang": listing({"/usr": None, "/usr/go": b"go" * 50, "/etc": None}),
    "make": listing({"/out": None, "/out/app": b"a" * 10, "/out/link": "=/out/app", "/t": b"t"}),
    "clean": listing({"/t": "-", "/kept": b"kkk"}),
    "mid": listing({"/m": None, "/m/app": b"a" * 10, "/m/link": "=/m/app", "/m/conf": b"cc"}),
    "debian": listing({"/etc": None, "/etc/old": b"old"}),
    "final": listing({"/bin": None, "/bin/app": b"a" * 10, "/bin/again": b"a" * 10}),
    "go": listing({"/bin": None, "/bin/go": b"go" * 50}),
    "etc": listing({"/etc": None, "/etc/old": b"newer", "/etc/sub": None}),
}
RECORD = BuildRecord(
    steps=(
        step(StepKind.IMAGE, "golang", detail="golang:1"),
        step(StepKind.RUN, "make", base=0),
        step(StepKind.RUN, "clean", base=1),
        step(StepKind.CONTEXT, detail="context"),
        step(StepKind.COPY, "mid", inputs=(2, 3), origins="mid"),
        step(StepKind.IMAGE, "debian", detail="debian:1"),
        step(StepKind.COPY, "final", base=5, inputs=(4,), origins="final"),
        step(StepKind.COPY, "go", base=6, inputs=(2,), origins="go"),
        step(StepKind.RUN, "etc", base=7),
    ),
    stages=(
        StageRecord(
            0,
            "builder",
            "golang:1",
            needed=True,
            steps=(
                StageStep(0, 1, 1),
                StageStep(1, 2, 2, "[builder 2/3] RUN make"),
                StageStep(2, 3),
            ),
        ),
        StageRecord(1, "mid", needed=True, steps=(StageStep(4, 5, source=0),)),
        StageRecord(
            2,
            needed=True,
            steps=(StageStep(5, 6), StageStep(6, 7, source=1), StageStep(7, 8, source=0)),
        ),
        StageRecord(3, "last", needed=True, parent=2, steps=(StageStep(8, 10),)),
        StageRecord(4, "unused"),
    ),
    target=3,
)
ORIGINS = {
    "mid": CopyOrigins(
        (
            CopiedSource(SourceKind.DIRECTORY, 0, "/out", "/m"),
            CopiedSource(SourceKind.FILE, 1, "/conf", "/m/conf"),
        ),
        (("/m", 0), ("/m/conf", 1)),
    ),
    "final": CopyOrigins(
        (
            CopiedSource(SourceKind.FILE, 0, "/m/app", "/bin/app"),
            CopiedSource(SourceKind.FILE, 0, "/m/link", "/bin/again"),
        ),
        (("/bin/app", 0), ("/bin/again", 1)),
    ),
    "go": tree(0, "/usr/go", "/bin/go"),
}


def find(layer: LayerId) -> Listing | None:
    return LISTINGS.get(layer)


PROVENANCE = Provenance(RECORD, ORIGINS, find)


def way(path: str) -> list[tuple[str, Way, int, int]]:
    links = PROVENANCE.chain(path).links
    return [(each.path, each.way, each.stage, each.line) for each in links]


def test_a_chain_goes_back_through_all_copies() -> None:
    assert way("/bin/app") == [
        ("/bin/app", Way.COPY, 2, 7),
        ("/m/app", Way.COPY, 1, 5),
        ("/out/app", Way.RUN, 0, 2),
    ]
    producer = PROVENANCE.chain("/bin/app").producer
    assert (producer.stage, producer.instruction, producer.layer) == (0, "RUN make", "make")


def test_a_chain_may_end_in_a_base_image_of_another_stage() -> None:
    assert way("/bin/go") == [("/bin/go", Way.COPY, 2, 8), ("/usr/go", Way.BASE, 0, 1)]
    assert PROVENANCE.chain("/bin/go").links[-1].detail == "golang:1"


def test_a_directory_is_of_the_layer_that_made_it_though_others_put_files_into_it() -> None:
    assert way("/etc") == [("/etc", Way.BASE, 2, 6)]
    assert way("/etc/sub") == [("/etc/sub", Way.RUN, 3, 10)]
    assert way("/bin") == [("/bin", Way.COPY, 2, 7)]  # made on the way, by the first COPY


@pytest.mark.parametrize(
    ("between", "line"),
    [
        ({"/d": "-"}, 3),
        ({"/d": b"file"}, 3),
        ({"/other": b""}, 1),
        ({"/d": (None, 0o700)}, 3),
    ],
)
@pytest.mark.parametrize("inner", ["/d", "/d/e"])
def test_a_directory_that_was_removed_and_made_again_is_of_the_later_layer(
    between, line, inner
) -> None:
    layers = {
        "one": listing({"/d": None, "/d/e": None}),
        "two": listing(between),
        "three": listing({"/d": None, "/d/e": None}),
    }
    if between.get("/d") == (None, 0o700) and inner == "/d/e":
        line = 1  # only what it is in changed
    record = BuildRecord(
        tuple(step(StepKind.RUN, name) for name in layers),
        (StageRecord(0, needed=True, steps=tuple(StageStep(n, n + 1) for n in range(3))),),
        0,
    )
    chain = Provenance(record, {}, layers.get).chain(inner)
    assert chain.links[0].line == line


def test_what_the_store_lacks_is_told() -> None:
    lacking = Provenance(RECORD, ORIGINS, lambda each: None if each == "make" else find(each))
    assert [each.way for each in lacking.chain("/bin/app").links] == [Way.COPY, Way.COPY, Way.LOST]
    forgotten = Provenance(RECORD, {}, find)
    assert [each.way for each in forgotten.chain("/bin/app").links] == [Way.COPY, Way.LOST]
    found = totals(lacking)
    assert (found.is_complete, found.lost.bytes > 0) == (False, True)


def test_reached_and_left_are_what_each_stage_added() -> None:
    found = totals(PROVENANCE)
    by_stage = {each.stage: each for each in found.stages}
    assert set(by_stage) == {0, 1, 2, 3}
    builder, mid, final, last = (by_stage[n] for n in range(4))
    assert (builder.visible, builder.base) == (Amount(113, 3), Amount(100, 1))
    assert (builder.added, builder.reached, builder.left) == (
        Amount(13, 2),
        Amount(10, 1),
        Amount(3, 1),
    )
    # Copied twice: it reached the image once, and is there twice.
    assert (builder.produced, builder.via[0].stage) == (Amount(20, 2), 1)
    assert (mid.added, mid.reached, mid.produced) == (Amount(12, 2), Amount(10, 1), Amount())
    assert (final.added, final.reached) == (Amount(120, 3), Amount(120, 3))
    assert (last.added, last.base) == (Amount(5, 1), Amount(123, 4))
    images = {each.reference: (each.amount, each.stage) for each in found.images}
    assert images == {"golang:1": (Amount(100, 1), 0)}
    everything = sum(each.produced.bytes for each in found.stages) + 100
    assert found.visible.bytes == everything == 125
    assert (found.shipped, found.lost, found.is_complete) == (Amount(128, 5), Amount(), True)


def test_crossings_name_what_went_where_by_which_line() -> None:
    found = [
        (each.source, each.target, each.source_path, each.target_path, each.line, each.amount)
        for each in totals(PROVENANCE).crossings
    ]
    assert found[0] == (0, 2, "/usr/go", "/bin/go", 8, Amount(100, 1))
    assert (1, 2, "/m/app", "/bin/app", 7, Amount(10, 1)) in found
    assert (0, 1, "/out", "/m", 5, Amount(20, 2)) in found


def test_an_observer_sees_each_file() -> None:
    seen: set[tuple[object, ...]] = set()
    left: list[tuple[object, ...]] = []

    class Observer:
        def produced(self, files: ProducedFiles) -> None:
            for name, size in zip(files.names, files.sizes, strict=True):
                path = f"{files.directory}/{name}"
                seen.add((path, size, files.stage, files.image, files.line))

        def left(
            self, stage: int, directory: str, names: Sequence[str], sizes: Sequence[int]
        ) -> None:
            left.extend((stage, f"{directory}/{n}", s) for n, s in zip(names, sizes, strict=True))

    totals(PROVENANCE, Observer())
    assert ("/bin/go", 100, 0, "golang:1", 1) in seen
    assert ("/bin/again", 10, 0, "", 2) in seen
    assert left == [(0, "/kept", 3), (1, "/m/conf", 2)]

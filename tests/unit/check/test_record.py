"""Rules see the times of a build only where they say something about them."""

from __future__ import annotations

from jettison.check.record import SLOW_NS, without_times
from jettison.oci.digest import Digest
from jettison.provenance.record import BuildRecord, StepKind, StepRecord


def record(*durations: int) -> BuildRecord:
    run, copy = durations
    vertex = Digest("sha256:" + "0" * 64)
    return BuildRecord(
        (
            StepRecord(vertex, StepKind.RUN, "RUN make", created_ns=5, duration_ns=run),
            StepRecord(vertex, StepKind.COPY, "COPY . .", created_ns=6, duration_ns=copy),
        ),
        (),
        0,
    )


def test_how_long_runs_took_is_known_if_it_was_long() -> None:
    seen = without_times(record(SLOW_NS, SLOW_NS + 1))
    assert [each.duration_ns for each in seen.steps] == [SLOW_NS, 0]
    assert [each.created_ns for each in seen.steps] == [0, 0]


def test_builds_that_were_quick_look_alike() -> None:
    assert without_times(record(SLOW_NS - 1, 3)) == without_times(record(7, 10 * SLOW_NS))

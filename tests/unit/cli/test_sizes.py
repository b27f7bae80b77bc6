"""The size table of ``build --sizes``."""

from __future__ import annotations

import pytest

from jettison.api.request import BuildResult, StageReport
from jettison.cli.sizes import size_table
from jettison.console.plain import size
from jettison.oci.digest import sha256_digest


def stage(
    index: int, name: str, size: int, *, own=0, shipped=0, needed=True, final=False
) -> StageReport:
    return StageReport(
        index=index,
        name=name,
        base="alpine",
        needed=needed,
        final=final,
        size_bytes=size,
        own_bytes=own,
        shipped_bytes=shipped,
    )


def table(*stages: StageReport) -> list[str]:
    result = BuildResult(image_id=sha256_digest(b"x"), tags=(), stages=stages)
    return size_table(result).split("\n")


def test_stages_are_rows_in_columns_and_totals_are_below():
    lines = table(
        stage(0, "build", 100_000_000, shipped=10_000_000),
        stage(1, "unused", 0, needed=False),
        stage(2, "app", 20_000_000, own=15_000_000, final=True),
    )
    assert lines[0].split("  ")[0] == "STAGE"
    assert [line.split()[0] for line in lines[1:4]] == ["build", "unused", "app"]
    assert lines[2].endswith("not needed, not built")
    assert lines[3].startswith("app (final)")
    assert len({line.index("alpine") for line in lines[1:4]}) == 1
    assert lines[4] == ""
    assert lines[5].startswith("image with multi-stage:")
    assert lines[6].endswith("(81 % is left behind)")  # 20 of 100 + 15 - 10
    assert lines[7:] == [""]


@pytest.mark.parametrize("shipped", [100, 200])
def test_nothing_is_left_behind_of_what_ships_whole(shipped):
    lines = table(stage(0, "a", 100, shipped=shipped), stage(1, "b", 100, final=True))
    assert lines[1].endswith(size(0))


def test_a_single_stage_has_no_comparison():
    lines = table(stage(0, "only", 100, final=True))
    assert [line for line in lines if "without multi-stage" in line] == []

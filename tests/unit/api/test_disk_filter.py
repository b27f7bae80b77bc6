"""Which rows of ``du`` filters mean; tests/engine/test_disk.py asks the command line."""

from __future__ import annotations

import pytest

from jettison.api.disk import DOWNLOAD, MOUNT, DiskRow
from jettison.api.disk_filter import EVERYTHING, Condition, DiskFilter
from jettison.cli.disk_rows import parse_disk_filters

LAYER = DiskRow("content:sha256:abcd", 1, "image", "[1/2] RUN make", 50, in_use=True)
OTHER = DiskRow("0123", 1, "", "RUN --mount=type=cache", 90, MOUNT)
PART = DiskRow("sha256:ff00", 1, "", "interrupted download", 10, DOWNLOAD)


@pytest.mark.parametrize(
    ("texts", "meant"),
    [
        ([], [LAYER, OTHER, PART]),
        (["id=abc"], [LAYER]),
        (["id==sha256:ff"], [PART]),
        (["id!=abc"], [OTHER, PART]),
        (["id=abc", "id=01"], [LAYER, OTHER]),
        (["type!=regular", "type!=source.download"], [OTHER]),
        (["description~=^RUN|^inter"], [OTHER, PART]),
        (["inuse"], [LAYER]),
        (["inuse=0", "mutable=1"], [OTHER, PART]),
        (["private", "immutable"], []),
        (["until=0.00000005"], [LAYER, PART]),
    ],
    ids=lambda value: ",".join(value) if value and isinstance(value[0], str) else "",
)
def test_a_filter_means_rows(texts: list[str], meant: list[DiskRow]) -> None:
    wanted = parse_disk_filters(texts, command="du")
    assert [row for row in (LAYER, OTHER, PART) if wanted.fits(row)] == meant


def test_a_filter_knows_whether_it_means_everything() -> None:
    assert EVERYTHING.is_empty
    assert not DiskFilter((Condition("inuse", "=", "true"),)).is_empty
    assert not DiskFilter(used_before_ns=0).is_empty

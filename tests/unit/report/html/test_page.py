"""What the page computes from a report."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import pytest

import report_rig
from jettison.report.html.page import FIRST_FILES, MOST_PACKAGES, Page
from jettison.report.model import Package


def test_layers_fill_the_strip_and_have_the_color_of_where_they_came_from() -> None:
    segments = Page(report_rig.sample()).segments
    assert [(part.number, part.color) for part in segments] == [
        (1, "b0"), (2, "s0"), (3, "s1"), (4, "b0"), (5, "s3"),
    ]  # fmt: skip
    assert sum(part.width for part in segments) == pytest.approx(100, abs=0.01)
    for one, other in pairwise(segments):
        assert one.x + one.width == pytest.approx(other.x, abs=0.01)


def test_the_surface_has_what_either_has() -> None:
    rows = {row.label: (row.before, row.after) for row in Page(report_rig.sample()).surface}
    assert rows["deb packages"] == (412, 88)
    assert rows["compilers"] == (5, 0)
    assert "world-writable" not in rows


def test_the_largest_files_come_first_and_packages_of_the_image_before_others() -> None:
    page = Page(report_rig.large())
    sizes = [each.node.bytes for each in page.files]
    assert len(sizes) == FIRST_FILES
    assert sizes == sorted(sizes, reverse=True)
    assert all(each.path.startswith("/usr/") for each in page.files)
    inside = [each.after for each in page.packages]
    assert inside == sorted(inside, reverse=True)


def test_there_is_a_title_even_without_a_tag() -> None:
    report = report_rig.sample()
    bare = msgspec.structs.replace(report.image, ref="")
    assert Page(msgspec.structs.replace(report, image=bare)).title == "4be19c074be1"
    bare = msgspec.structs.replace(bare, id="")
    assert Page(msgspec.structs.replace(report, image=bare)).title == "image"


def test_very_many_packages_are_cut() -> None:
    many = tuple(Package("npm", f"p{n}", "1", n) for n in range(MOST_PACKAGES + 5))
    page = Page(msgspec.structs.replace(report_rig.sample(), packages=many))
    assert len(page.packages) == MOST_PACKAGES


def test_the_steps_give_the_scales_of_bars() -> None:
    page = Page(report_rig.sample())
    assert page.longest == 41.2
    assert [stage.name for stage in page.skipped] == ["test"]
    assert [gate.name for gate in page.failed] == ["max-size"]

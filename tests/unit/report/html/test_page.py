"""What the page computes from a report."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import pytest

import report_rig
from jettison.report.contents import Node, Package
from jettison.report.html.page import FIRST_FILES, MOST_PACKAGES, Page, _files
from jettison.report.html.render import render
from jettison.report.model import BaseImage
from jettison.report.tree import MOST_NODES


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


def test_a_report_that_was_read_may_say_anything() -> None:
    """Its JSON may come from a registry: trees without end, origins and sizes that are none."""
    deep = Node("leaf", "file", 5, 1, 0)
    for _ in range(200):
        deep = Node("d", "dir", 5, 1, 0, 0, (deep,))
    wide = Node("w", "dir", 5, 1, -4, 0, (Node("f", "odd", -5, -1, 9999),) * 20_000)
    root = Node("", "dir", 10, 2, 77, 0, (deep, wide))
    sample = report_rig.sample()
    report = msgspec.structs.replace(
        sample,
        tree=root,
        stages=(msgspec.structs.replace(sample.stages[3], base=BaseImage("x", 99)),),
        findings=sample.findings * 5000,
        origins=sample.origins * 100,
    )
    tree = Page(report).tree
    assert tree
    nodes = [each.node for each in _files(tree, "")]
    assert 1000 < len(nodes) <= 2 * MOST_NODES
    assert {(node.kind, node.bytes, node.files, node.origin) for node in nodes} == {
        ("file", 0, 0, 0)
    }
    assert len(render(report)) < 1_500_000


def test_a_tree_whose_origins_are_not_known_is_none() -> None:
    report = msgspec.structs.replace(report_rig.sample(), origins=())
    page = Page(report)
    assert (page.tree, page.cells, page.files) == (None, [], [])

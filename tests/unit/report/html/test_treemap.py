"""The treemap without JavaScript: its cells."""

from __future__ import annotations

import report_rig
from jettison.report.contents import Node
from jettison.report.html.colors import of_origins
from jettison.report.html.squarify import Box
from jettison.report.html.treemap import Cell, cells, opens


def _cells(tree: Node) -> list[Cell]:
    return cells(tree, ["b0", "s0"], ["debian", "build"])


def test_a_file_has_the_color_of_who_made_it_and_the_area_of_its_bytes() -> None:
    tree = Node(
        "", "dir", 400, 2, 0,
        children=(Node("base", "file", 300, 1, 0), Node("made", "file", 100, 1, 1, 7)),
    )  # fmt: skip
    base, made = _cells(tree)
    assert (base.color, base.label, base.size) == ("b0", "base", "300B")
    assert (made.color, made.title) == ("s0", "/made  100B  build")
    assert base.box == Box(0, 0, 75, 100)
    assert made.box == Box(75, 0, 25, 100)


def test_a_directory_frames_what_is_in_it() -> None:
    inner = Node("a", "file", 9000, 1, 1)
    tree = Node("", "dir", 9000, 1, 1, children=(Node("opt", "dir", 9000, 1, 1, 0, (inner,)),))
    outside, inside = _cells(tree)
    assert (outside.color, outside.label, inside.title) == ("", "opt", "/opt/a  9kB  build")
    assert outside.box.x < inside.box.x
    assert outside.box.y < inside.box.y
    assert inside.box.width < outside.box.width
    assert inside.box.height < outside.box.height


def test_a_directory_without_room_is_one_cell_of_whom_it_is_mostly() -> None:
    assert not opens(Box(0, 0, 20, 300))
    small = Node("tiny", "dir", 10, 1, 1, 0, (Node("f", "file", 10, 1, 1),))
    tree = Node("", "dir", 10_010, 2, 0, children=(Node("big", "file", 10_000, 1, 0), small))
    assert [(cell.color, cell.title.split()[0]) for cell in _cells(tree)] == [
        ("b0", "/big"),
        ("s0", "/tiny"),
    ]


def test_what_has_no_bytes_is_not_drawn() -> None:
    assert _cells(Node("", "dir", 0, 1, 0, children=(Node("link", "link", 0, 1, 0),))) == []


def test_a_large_image_has_few_cells_inside_the_picture() -> None:
    report = report_rig.large()
    assert report.tree
    drawn = cells(report.tree, of_origins(report.origins), [o.label for o in report.origins])
    assert 100 < len(drawn) < 1500
    for cell in drawn:
        assert cell.box.x + cell.box.width <= 100.1
        assert cell.box.y + cell.box.height <= 100.1
        assert len(cell.label) < 160

"""The graph of stages: nodes, edges and where they are."""

from __future__ import annotations

import msgspec
import pytest

import report_rig
from jettison.report.html.graph import MOST_NODES, NODE_HEIGHT, NODE_WIDTH, WIDEST, graph
from jettison.report.model import BaseImage, Crossing, Report, Stage


def _stage(index: int, name: str, base: BaseImage | None = None, **more: bool) -> Stage:
    return Stage(
        index, name, base or BaseImage("debian"), more.get("used", True), more.get("final", False)
    )


def _report(stages: tuple[Stage, ...], crossings: tuple[Crossing, ...]) -> Report:
    return msgspec.structs.replace(report_rig.sample(), stages=stages, crossings=crossings)


def test_edges_have_the_bytes_and_lines_of_what_crossed() -> None:
    stages = (_stage(0, "build"), _stage(1, "final", final=True))
    crossings = (
        Crossing("build", "final", "/a", "/a", 3_000_000, 1, 9),
        Crossing("build", "final", "/b", "/b", 1_000_000, 1, 8),
    )
    found = graph(_report(stages, crossings))
    assert found
    (edge,) = found.edges
    assert (edge.label, edge.note, edge.shipped, edge.width) == ("4MB", "lines 8, 9", True, WIDEST)
    assert edge.title == "build to final: 4MB, lines 8, 9"


def test_the_width_of_an_edge_is_its_share_of_the_largest() -> None:
    stages = (_stage(0, "a"), _stage(1, "b"), _stage(2, "final", final=True))
    crossings = (
        Crossing("a", "final", "/a", "/a", 1_000_000, 1, 9),
        Crossing("b", "final", "/b", "/b", 250_000, 1, 10, in_image=False),
    )
    found = graph(_report(stages, crossings))
    assert found
    assert [edge.width for edge in found.edges] == [WIDEST, WIDEST / 4]
    assert [edge.shipped for edge in found.edges] == [True, False]


@pytest.mark.parametrize("upright", [False, True])
def test_nodes_do_not_overlap_and_arrows_lead_onward(upright: bool) -> None:
    found = graph(report_rig.sample(), upright)
    assert found
    assert [(node.name, node.kind) for node in found.nodes] == [
        ("deps", "stage"),
        ("build", "stage"),
        ("final", "final"),
        ("busybox:musl", "image"),
    ]
    for at, one in enumerate(found.nodes):
        assert one.x + NODE_WIDTH <= found.width
        assert one.y + NODE_HEIGHT <= found.height
        for other in found.nodes[at + 1 :]:
            assert abs(one.x - other.x) >= NODE_WIDTH or abs(one.y - other.y) >= NODE_HEIGHT
    final = found.nodes[2]
    for node in (found.nodes[0], found.nodes[1], found.nodes[3]):
        assert node.y < final.y if upright else node.x < final.x


def test_a_stage_built_on_a_stage_is_an_edge_and_what_was_not_built_is_none() -> None:
    stages = (
        _stage(0, "base"),
        _stage(1, "unused", BaseImage("base", 0), used=False),
        _stage(2, "final", BaseImage("base", 0, 5_000), final=True),
    )
    found = graph(_report(stages, ()))
    assert found
    assert [edge.title for edge in found.edges] == ["base to final: 5kB, FROM"]
    assert [node.name for node in found.nodes] == ["base", "final"]


def test_a_chain_goes_on_rank_by_rank() -> None:
    stages = tuple(_stage(n, f"s{n}") for n in range(4))
    crossings = tuple(Crossing(f"s{n}", f"s{n + 1}", "/", "/", 5, 1, n) for n in range(3))
    found = graph(_report(stages, (*crossings, Crossing("s0", "s3", "/", "/", 5, 1, 9))))
    assert found
    places = [node.x for node in found.nodes]
    assert places == sorted(set(places))


def test_one_stage_alone_and_too_many_have_no_graph() -> None:
    assert graph(_report((_stage(0, "only", final=True),), ())) is None
    many = tuple(_stage(n, f"s{n}") for n in range(MOST_NODES + 1))
    assert graph(_report(many, (Crossing("s0", "s1", "/", "/", 5, 1, 9),))) is None


def test_what_no_build_makes_ends_as_well() -> None:
    stages = (_stage(0, "a"), _stage(1, "b"))
    around = (
        Crossing("a", "b", "/", "/", 0, 0, 1),
        Crossing("b", "a", "/", "/", 0, 0, 2),
        Crossing("a", "a", "/", "/", 0, 0, 3),
    )
    assert graph(_report(stages, around)) is not None

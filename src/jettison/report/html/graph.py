"""The graph of stages: who copied from whom, and how much.

In:  a ``Report``.
Out: nodes and edges with their places, from left to right or from top to bottom.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from jettison.console.plain import size
from jettison.report.html.colors import of_stage
from jettison.report.html.text import fitting, named
from jettison.report.model import Report, Stage

MOST_NODES = 60
"""A picture of more would not be read; the tables have all."""

NODE_WIDTH, NODE_HEIGHT = 176, 74
ACROSS = (110, 22)
"""Gaps of a graph from left to right: between ranks, where labels are, and between nodes."""

WIDTH, WIDEST_GAP = 1100, 340
"""What a graph of few ranks is stretched to, and how far."""

DOWN = (62, 14)
"""The same from top to bottom."""

MARGIN = 2
NAME_LETTERS, LETTERS = 18, 25
"""How much text a node has room for, in its name and below it."""

WIDEST, NARROWEST = 20.0, 1.5
"""Widths of edges."""


class Shape(NamedTuple):
    """A node: a stage, or an image that files were copied from."""

    x: float
    y: float
    name: str
    base: str
    size: str
    color: str
    kind: str


class Edge(NamedTuple):
    """What one stage copied from another, or built on it.

    Args:
        path: Of SVG.
        width: In proportion to its bytes.
        x, y: Where its label is.
        label: Its bytes.
        note: Lines of the Dockerfile, or ``FROM``.
        title: All of it in words.
        shipped: Whether some of it is in the image.
    """

    path: str
    width: float
    x: float
    y: float
    label: str
    note: str
    title: str
    shipped: bool


class Graph(NamedTuple):
    """A picture and its size in pixels."""

    width: int
    height: int
    nodes: tuple[Shape, ...]
    edges: tuple[Edge, ...]


class _Link(NamedTuple):
    bytes: int
    lines: tuple[int, ...]
    shipped: bool
    inherits: bool


def graph(report: Report, upright: bool = False) -> Graph | None:
    """Return the graph of a build's stages.

    Args:
        report: It.
        upright: From top to bottom, for narrow windows.

    Returns:
        None where there is nothing to connect, or too much.
    """
    links = _links(report)
    names = [stage.name for stage in report.stages if stage.used]
    names += sorted({source for source, _ in links if source not in names})
    if not links or len(names) > MOST_NODES:
        return None
    ranks = _ranks(names, links)
    places = _places(names, ranks, upright)
    widest = max(link.bytes for link in links.values())
    stages = {stage.name: stage for stage in report.stages}
    return Graph(
        round(max(x for x, _ in places.values()) + NODE_WIDTH + MARGIN),
        round(max(y for _, y in places.values()) + NODE_HEIGHT + MARGIN),
        tuple(_shape(name, stages.get(name), places[name]) for name in names),
        tuple(
            _edge(ends, link, (places[ends[0]], places[ends[1]]), upright, widest)
            for ends, link in links.items()
        ),
    )


def _links(report: Report) -> dict[tuple[str, str], _Link]:
    """Return what connects stages: copies of each pair summed up, and stages built on stages."""
    used = {stage.name for stage in report.stages if stage.used}
    links: dict[tuple[str, str], _Link] = {}
    for crossing in report.crossings:
        ends = (crossing.source, crossing.target)
        if crossing.target not in used or crossing.source == crossing.target:
            continue
        old = links.get(ends, _Link(0, (), False, False))
        lines = tuple(sorted({*old.lines, crossing.line}))
        shipped = old.shipped or crossing.in_image
        links[ends] = _Link(old.bytes + crossing.bytes, lines, shipped, False)
    for stage in report.stages:
        if stage.used and stage.base.stage is not None and stage.base.stage < stage.index:
            ends = (report.stages[stage.base.stage].name, stage.name)
            old = links.get(ends, _Link(0, (), False, False))
            shipped = old.shipped or stage.final
            links[ends] = _Link(old.bytes + stage.base.bytes, old.lines, shipped, True)
    return links


def _ranks(names: list[str], links: Mapping[tuple[str, str], _Link]) -> dict[str, int]:
    """Return how far each node is from the end, by the longest way; loops end somewhere."""
    ranks = dict.fromkeys(names, 0)
    for _ in names:
        changed = False
        for source, target in links:
            if source in ranks and target in ranks and ranks[source] <= ranks[target] < len(names):
                ranks[source] = ranks[target] + 1
                changed = True
        if not changed:
            break
    return ranks


def _places(
    names: list[str], ranks: Mapping[str, int], upright: bool
) -> dict[str, tuple[float, float]]:
    """Return the upper left corner of each node; ranks are in the middle of the picture."""
    gap, between = DOWN if upright else ACROSS
    if not upright:
        free = (WIDTH - NODE_WIDTH) / max(1, *ranks.values()) - NODE_WIDTH
        gap = max(gap, min(WIDEST_GAP, round(free)))
    long, broad = (NODE_HEIGHT, NODE_WIDTH) if upright else (NODE_WIDTH, NODE_HEIGHT)
    rows: defaultdict[int, list[str]] = defaultdict(list)
    for name in names:
        rows[ranks[name]].append(name)
    last = max(rows)
    most = max(len(row) for row in rows.values()) * (broad + between) - between
    places: dict[str, tuple[float, float]] = {}
    for rank, row in rows.items():
        along = MARGIN + (last - rank) * (long + gap)
        across = MARGIN + (most - len(row) * (broad + between) + between) / 2
        for number, name in enumerate(row):
            beside = across + number * (broad + between)
            places[name] = (beside, along) if upright else (along, beside)
    return places


def _shape(name: str, stage: Stage | None, place: tuple[float, float]) -> Shape:
    if stage is None:
        return Shape(*place, fitting(name, NAME_LETTERS), "image", "", "b1", "image")
    return Shape(
        *place,
        fitting(named(name), NAME_LETTERS),
        fitting(f"from {stage.base.ref}", LETTERS),
        size(stage.bytes),
        of_stage(stage.index),
        "final" if stage.final else "stage",
    )


def _edge(
    ends: tuple[str, str],
    link: _Link,
    places: tuple[tuple[float, float], tuple[float, float]],
    upright: bool,
    widest: int,
) -> Edge:
    (x1, y1), (x2, y2) = places
    if upright:
        x1, y1, x2 = x1 + NODE_WIDTH / 2, y1 + NODE_HEIGHT, x2 + NODE_WIDTH / 2
        bend = max(24.0, (y2 - y1) / 2)
        path = f"M{x1:g} {y1:g}C{x1:g} {y1 + bend:g} {x2:g} {y2 - bend:g} {x2:g} {y2:g}"
    else:
        x1, y1, y2 = x1 + NODE_WIDTH, y1 + NODE_HEIGHT / 2, y2 + NODE_HEIGHT / 2
        bend = max(32.0, (x2 - x1) / 2)
        path = f"M{x1:g} {y1:g}C{x1 + bend:g} {y1:g} {x2 - bend:g} {y2:g} {x2:g} {y2:g}"
    share = link.bytes / widest if widest else 0.0
    notes = ["FROM"] if link.inherits else []
    if link.lines:
        word = "line" if len(link.lines) == 1 else "lines"
        more = ", …" if len(link.lines) > 3 else ""
        notes.append(f"{word} {', '.join(map(str, link.lines[:3]))}{more}")
    note = " + ".join(notes)
    return Edge(
        path,
        round(max(NARROWEST, WIDEST * share), 1),
        round((x1 + x2) / 2, 1),
        round((y1 + y2) / 2, 1),
        size(link.bytes),
        note,
        f"{' to '.join(fitting(named(end), 60) for end in ends)}: {size(link.bytes)}, {note}",
        link.shipped,
    )

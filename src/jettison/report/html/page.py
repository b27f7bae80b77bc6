"""What the page shows that is not in a report as such: sums, shares, the largest of many.

In:  a ``Report``.
Out: ``Page``, which templates read beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import count
from typing import NamedTuple

from jettison.report import words
from jettison.report.contents import Node, Package
from jettison.report.html import source
from jettison.report.html.colors import of_origins, of_stage
from jettison.report.html.text import named
from jettison.report.html.treemap import Cell, cells
from jettison.report.model import Layer, Report, Stage
from jettison.report.tree import MOST_DEPTH, MOST_NODES
from jettison.report.verdict import Gate

MOST_ROWS = 300
"""Rows of a table of what there may be many of."""

MOST_PACKAGES = 2000
"""All packages of a large image; what is beyond is counted."""

FIRST_FILES = 50
"""Rows of the table of files before anything is searched for."""


KINDS = frozenset({"dir", "file", "link", "more"})


class Row(NamedTuple):
    """A row of the table of the attack surface; ``before`` is None with one stage only."""

    label: str
    before: int | None
    after: int
    paths: tuple[str, ...]
    removed: tuple[str, ...]


class Segment(NamedTuple):
    """A layer in the strip of layers: its place in percent, the class of its colour."""

    x: float
    width: float
    color: str
    number: int
    layer: Layer


class FoundFile(NamedTuple):
    """A file of the table of files."""

    path: str
    node: Node


class Page:
    """A report with what is computed of it for the page.

    Args:
        report: It.
    """

    def __init__(self, report: Report) -> None:
        self.report = report
        self.source = source.lines(report)
        self.elsewhere = source.elsewhere(report)

    @property
    def title(self) -> str:
        """Return what the page is about: the image's name, or the beginning of its id."""
        image = self.report.image
        return image.ref or image.id.removeprefix("sha256:")[:12] or "image"

    @property
    def smaller(self) -> float | None:
        """Return the share that is saved, None where that would say nothing."""
        single = self.report.counterfactual
        return single.saving if single is not None and single.saving > 0 else None

    @property
    def failed(self) -> list[Gate]:
        """Return the gates that are not kept."""
        return [gate for gate in self.report.budget.gates if not gate.ok]

    @cached_property
    def labels(self) -> list[str]:
        """Return the name of each origin."""
        return [each.label if each.base else named(each.label) for each in self.report.origins]

    @cached_property
    def tree(self) -> Node | None:
        """Return the tree, within bounds: reports are also read, and from others, too."""
        tree = self.report.tree
        return _bounded(tree, len(self.labels), count(), 0) if tree and self.labels else None

    @cached_property
    def cells(self) -> list[Cell]:
        """Return the cells of the treemap."""
        return cells(self.tree, of_origins(self.report.origins), self.labels) if self.tree else []

    @property
    def stages(self) -> list[Stage]:
        """Return the stages that were built."""
        return [stage for stage in self.report.stages if stage.used][:MOST_ROWS]

    @property
    def skipped(self) -> list[Stage]:
        """Return the stages that were not."""
        return [stage for stage in self.report.stages if not stage.used][:MOST_ROWS]

    @cached_property
    def lines(self) -> dict[str, int]:
        """Return the line of each step, by its id."""
        return {step.id: step.line for stage in self.stages for step in stage.steps}

    @cached_property
    def longest(self) -> float:
        """Return the seconds of the step that took longest; 0 where none is known."""
        return max((step.seconds or 0 for each in self.stages for step in each.steps), default=0)

    @cached_property
    def largest(self) -> int:
        """Return the bytes of the largest layer of a step."""
        return max((step.bytes for each in self.stages for step in each.steps), default=0)

    @cached_property
    def segments(self) -> list[Segment]:
        """Return the layers of the image that hold something, from left to right.

        What a COPY brought has the colour of the stage that it came from.
        """
        layers = self.report.image.layers
        total = sum(layer.bytes for layer in layers)
        index = {stage.name: stage.index for stage in self.report.stages}
        came = {each.line: index.get(each.source) for each in self.report.crossings}
        segments: list[Segment] = []
        at = 0.0
        for number, layer in enumerate(layers[:MOST_ROWS], 1):
            width = 100 * layer.bytes / total if total else 0.0
            if width > 0:
                stage = came.get(layer.line, index.get(layer.stage, 0))
                color = "b0" if layer.base or stage is None else of_stage(stage)
                segments.append(Segment(round(at, 3), round(width, 3), color, number, layer))
            at += width
        return segments

    @cached_property
    def surface(self) -> list[Row]:
        """Return the rows of the attack surface that are not zero everywhere, packages first."""
        surface = self.report.surface
        if surface is None:
            return []
        before, after = surface.before, surface.after
        rows = [
            Row(
                f"{kind} packages",
                None if before is None else before.packages.get(kind, 0),
                after.packages.get(kind, 0),
                (),
                (),
            )
            for kind in sorted({*after.packages, *(before.packages if before else ())})
        ]
        rows += [
            Row(
                label,
                None if before is None else getattr(before, name),
                getattr(after, name),
                after.paths.get(name, ()),
                surface.removed.get(name, ()),
            )
            for name, label in words.SURFACE.items()
        ]
        return [row for row in rows if row.before or row.after]

    @cached_property
    def packages(self) -> list[Package]:
        """Return the packages, those of the image first, the largest first."""
        by_size = sorted(self.report.packages, key=lambda each: (not each.after, -each.bytes))
        return by_size[:MOST_PACKAGES]

    @cached_property
    def files(self) -> list[FoundFile]:
        """Return the largest files that the tree shows."""
        tree = self.tree
        found = sorted(_files(tree, ""), key=lambda each: -each.node.bytes) if tree else []
        return found[:FIRST_FILES]


def _bounded(node: Node, origins: int, seen: Iterator[int], depth: int) -> Node:
    """Return a node of which sizes are none below 0, origins are known, and ends are near."""
    ends = depth >= MOST_DEPTH + 2
    kept = () if ends else tuple(each for each in node.children if next(seen) < 2 * MOST_NODES)
    return Node(
        node.name,
        node.kind if node.kind in KINDS else "file",
        max(0, node.bytes),
        max(0, node.files),
        node.origin if 0 <= node.origin < origins else 0,
        node.line,
        tuple(_bounded(each, origins, seen, depth + 1) for each in kept),
    )


def _files(place: Node, path: str) -> Iterator[FoundFile]:
    for child in place.children:
        if child.kind in ("file", "link"):
            yield FoundFile(f"{path}/{child.name}", child)
        yield from _files(child, f"{path}/{child.name}")

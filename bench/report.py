"""Results: medians, ratios, a table, JSON, and pictures as SVG.

In:  runs by case and peer.
Out: text and files.
"""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from html import escape
from pathlib import Path

from bench.process import Cost

Runs = Mapping[str, Mapping[str, Sequence[Cost]]]
"""Case to peer to what its runs cost."""

OURS = "jettison"
_COLOURS = {OURS: "#0b6e4f", "docker": "#2496ed", "buildah": "#c9572b", "podman": "#7a3e9d"}


def summary(runs: Runs, limits: Mapping[str, float]) -> dict[str, dict[str, object]]:
    """Return medians, spread and ratios by case.

    A ratio is Jettison's median to BuildKit's, or to the fastest other peer where there is no
    BuildKit; its spread comes from the pairs of runs that were taken next to each other.
    """
    table: dict[str, dict[str, object]] = {}
    for case, peers in runs.items():
        row: dict[str, object] = {
            peer: {
                "wall": statistics.median(cost.wall for cost in costs),
                "fastest": min(cost.wall for cost in costs),
                "slowest": max(cost.wall for cost in costs),
                "cpu": statistics.median(cost.cpu for cost in costs),
                "peak_mib": max(cost.peak_mib for cost in costs),
                "others": statistics.median(cost.others for cost in costs),
            }
            for peer, costs in peers.items()
            if costs
        }
        other = _rival(peers)
        if other and peers.get(OURS):
            pairs = [a.wall / b.wall for a, b in zip(peers[OURS], peers[other], strict=False)]
            row["rival"] = other
            row["ratio"] = statistics.median(pairs)
            row["ratio_low"], row["ratio_high"] = min(pairs), max(pairs)
        if limits.get(case):
            row["limit"] = limits[case]
        table[case] = row
    return table


def as_text(table: Mapping[str, Mapping[str, object]]) -> str:
    """Return the table for people."""
    lines = [f"{'case':14}{'ours s':>9}{'cpu s':>8}{'MiB':>6}{'rival s':>9}  {'ratio':22}limit"]
    ratios = []
    for case, row in table.items():
        ours = row.get(OURS)
        if not isinstance(ours, dict):
            continue
        rival = row.get(str(row.get("rival", "")))
        theirs = f"{rival['wall']:9.3f}" if isinstance(rival, dict) else " " * 9
        ratio = ""
        if isinstance(row.get("ratio"), float):
            value = float(str(row["ratio"]))
            ratios.append(value)
            ratio = f"{value:.2f} ({row['ratio_low']:.2f} … {row['ratio_high']:.2f})"
        limit = row.get("limit", "")
        lines.append(
            f"{case:14}{ours['wall']:9.3f}{ours['cpu']:8.2f}{ours['peak_mib']:6.0f}{theirs}"
            f"  {ratio:22}{limit}"
        )
    if ratios:
        mean = math.exp(statistics.fmean(map(math.log, ratios)))
        lines.append(f"geometric mean of the ratios: {mean:.2f}")
    return "\n".join(lines) + "\n"


def write_json(path: Path, **results: object) -> None:
    """Write everything that was measured."""
    text = json.dumps(results, indent=1, default=asdict)
    path.write_text(text + "\n")


def bar_chart(table: Mapping[str, Mapping[str, object]]) -> str:
    """Return an SVG of the ratios: a bar for each case, a mark where the limit is."""
    rows = [(case, row) for case, row in table.items() if isinstance(row.get("ratio"), float)]
    width, line, left = 720, 26, 130
    scale = (width - left - 70) / max([1.0, *(float(str(row["ratio"])) for _, row in rows)])
    height = line * len(rows) + 56
    parts = [_head(width, height, "Time of Jettison as a share of its rival's (shorter is faster)")]
    for number, (case, row) in enumerate(rows):
        y, ratio = 36 + line * number, float(str(row["ratio"]))
        parts.append(f'<text x="{left - 8}" y="{y + 15}" text-anchor="end">{escape(case)}</text>')
        parts.append(_bar(left, y + 3, ratio * scale, line - 8, _COLOURS[OURS]))
        parts.append(f'<text x="{left + ratio * scale + 6:.1f}" y="{y + 15}">{ratio:.2f}</text>')
        if "limit" in row:
            x = left + float(str(row["limit"])) * scale
            parts.append(_line(x, y, x, y + line - 2, "#c0392b"))
    one = left + scale
    parts.append(_line(one, 30, one, height - 18, "#888"))
    parts.append(f'<text x="{one:.1f}" y="{height - 5}" text-anchor="middle">as fast</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def curve_chart(title: str, curves: Mapping[str, Mapping[int, float]]) -> str:
    """Return an SVG of seconds over units, both logarithmic, a line for each peer."""
    width, height, left, bottom = 480, 320, 56, 40
    points = [(x, y) for curve in curves.values() for x, y in curve.items()]
    if not points:
        return _head(width, height, title) + "</svg>\n"
    xs, ys = [math.log10(x) for x, _ in points], [math.log10(y) for _, y in points]
    low_x, high_x, low_y, high_y = min(xs), max(xs) + 1e-9, min(ys) - 0.1, max(ys) + 0.1

    def place(units: float, seconds: float) -> tuple[float, float]:
        across = (math.log10(units) - low_x) / (high_x - low_x)
        up = (math.log10(seconds) - low_y) / (high_y - low_y)
        return left + across * (width - left - 90), height - bottom - up * (height - bottom - 40)

    parts = [_head(width, height, title)]
    for peer, curve in curves.items():
        colour = _COLOURS.get(peer, "#444")
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*each) for each in curve.items()))
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        last = list(curve.items())[-1]
        x, y = place(*last)
        parts.append(f'<text x="{x + 6:.1f}" y="{y + 4:.1f}" fill="{colour}">{escape(peer)}</text>')
        for units, seconds in curve.items():
            x, y = place(units, seconds)
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>')
            parts.append(f'<text x="{x:.1f}" y="{height - 22}" text-anchor="middle">{units}</text>')
            if peer == OURS:
                parts.append(
                    f'<text x="{x:.1f}" y="{y - 8:.1f}" text-anchor="middle">{seconds:.2f} s</text>'
                )
    return "\n".join([*parts, "</svg>"]) + "\n"


def _rival(peers: Mapping[str, Sequence[Cost]]) -> str:
    others = {name: costs for name, costs in peers.items() if name != OURS and costs}
    if "docker" in others or not others:
        return "docker" if "docker" in others else ""
    return min(others, key=lambda name: statistics.median(cost.wall for cost in others[name]))


def _head(width: int, height: int, title: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
        f' viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">\n'
        f'<rect width="100%" height="100%" fill="white"/>\n'
        f'<text x="{width / 2}" y="18" text-anchor="middle" font-size="14">{escape(title)}</text>'
    )


def _bar(x: float, y: float, width: float, height: float, colour: str) -> str:
    return f'<rect x="{x}" y="{y}" width="{width:.1f}" height="{height}" fill="{colour}"/>'


def _line(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"'
        ' stroke-width="2"/>'
    )

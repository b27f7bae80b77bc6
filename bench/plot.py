"""Pictures of what was measured, as SVG.

In:  ``Results``.
Out: a bar chart of the ratios with marks where they are wanted; a figure of the curves.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

from bench.cases import TITLES
from bench.curves import Point
from bench.report import curves_of
from bench.results import OURS, Row

_OURS, _MISSED, _BUILDAH, _WANTED = "#0b6e4f", "#c9572b", "#c3cfd9", "#1b1b1b"
_GRID, _FAINT, _INK = "#e3e6e9", "#6b7480", "#1f2933"
_PEERS = {OURS: _OURS, "docker": "#2a78c5"}


def bar_chart(rows: Sequence[Row]) -> str:
    """Return an SVG of the ratios: a bar for each case, a mark where it is wanted to be."""
    shown = [row for row in rows if row.judged]
    width, line, left, top = 860, 26, 330, 74
    right = 70
    most = max([1.0, *(row.judged.value for row in shown if row.judged)])
    most = math.ceil(most * 4) / 4
    scale = (width - left - right) / most
    height = top + line * len(shown) + 34
    parts = [
        *_head(width, height, "Time of Jettison as a share of BuildKit's"),
        _text(16, 44, "Median of runs in turns against the faster of BuildKit's stores "
              "(40 COPY steps: against buildah). Shorter is faster.", fill=_FAINT),
        *_legend(width - right, top - 12),
    ]  # fmt: skip
    bottom = top + line * len(shown)
    for tick in range(int(most * 4) + 1):
        x = left + tick / 4 * scale
        strong = tick == 4
        parts.append(_line(x, top, x, bottom, _FAINT if strong else _GRID, 1.5 if strong else 1))
        parts.append(_text(x, bottom + 18, f"{tick / 4:g}", anchor="middle", fill=_FAINT))
    for number, row in enumerate(shown):
        ratio = row.judged
        if ratio is None:
            continue
        y = top + line * number
        middle = y + line / 2
        title = TITLES.get(row.case, row.case).replace("`", "")
        parts.append(_text(left - 10, middle + 4, title, anchor="end"))
        colour = _MISSED if row.missed else _OURS
        parts.append(_bar(left, y + 5, ratio.value * scale, line - 10, colour))
        low, high = left + ratio.low * scale, left + min(ratio.high, most) * scale
        parts.append(_line(low, middle, high, middle, _WANTED, 1))
        x = max(left + ratio.value * scale, high)
        if row.wanted:
            mark = left + row.wanted * scale
            parts.append(_line(mark, y + 2, mark, y + line - 2, _WANTED, 2.5))
            x = max(x, mark) if -4 < mark - x < 44 else x
        parts.append(_text(x + 7, middle + 4, f"{ratio.value:.2f}", weight="bold", halo=True))
    return "\n".join([*parts, "</svg>"]) + "\n"


def growth_figure(points: Sequence[Point]) -> str:
    """Return an SVG of seconds over units, a panel for each curve, a line for each peer."""
    peers = list(dict.fromkeys(point.peer for point in points))
    lines = {peer: curves_of(points, peer) for peer in peers}
    names = list(dict.fromkeys(point.curve for point in points if not point.failure))
    width, panel, columns = 860, 270, 2
    height = 60 + panel * max(1, math.ceil(len(names) / columns))
    parts = _head(width, height, "Seconds of a cold build as it grows")
    x = 16.0
    for peer in peers:
        parts.append(_line(x, 44, x + 22, 44, _colour(peer), 2.5))
        parts.append(_text(x + 28, 48, peer))
        x += 60 + 7 * len(peer)
    for number, name in enumerate(names):
        left = number % columns * width / columns
        own = {peer: each[name] for peer, each in lines.items() if name in each}
        parts += _panel(name, own, left, 60 + number // columns * panel, width / columns, panel)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(
    name: str, lines: Mapping[str, Sequence[Point]], left: float, top: float, width: float,
    height: float,
) -> list[str]:  # fmt: skip
    x0, x1, y0, y1 = left + 58, left + width - 26, top + height - 40, top + 34
    most_units = max(point.units for each in lines.values() for point in each)
    ticks = _ticks(max(point.wall for each in lines.values() for point in each))
    parts = [_text(x0, y1 - 12, f"by number of {name}", weight="bold")]
    for tick in ticks:
        y = y0 - (y0 - y1) * tick / ticks[-1]
        parts.append(_line(x0, y, x1, y, _GRID, 1))
        parts.append(_text(x0 - 8, y + 4, f"{tick:g} s", anchor="end", fill=_FAINT))
    for units in _ticks(most_units):
        if units <= most_units:
            x = x0 + (x1 - x0) * units / most_units
            parts.append(_text(x, y0 + 18, f"{units:,.0f}", anchor="middle", fill=_FAINT))
    for peer, each in lines.items():
        places = [
            (x0 + (x1 - x0) * point.units / most_units, y0 - (y0 - y1) * point.wall / ticks[-1])
            for point in each
        ]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        colour = _colour(peer)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places]
        x, y = places[-1]
        text = f"{each[-1].wall:.1f} s" if each[-1].wall >= 10 else f"{each[-1].wall:.2f} s"
        parts.append(_text(x, y - 9, text, anchor="end", fill=colour, weight="bold", halo=True))
    return parts


def _ticks(most: float) -> list[float]:
    """Return round numbers from 0 to at least the largest value, four to six of them."""
    rough = most / 4 or 1.0
    power = 10 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough)
    return [step * number for number in range(math.ceil(most / step - 1e-9) + 1)]


def _legend(right: float, y: float) -> list[str]:
    parts = []
    for x, colour, text in (
        (right - 420, _OURS, "reached"), (right - 335, _MISSED, "missed"),
    ):  # fmt: skip
        parts += [_bar(x, y - 10, 14, 11, colour), _text(x + 20, y, text, fill=_FAINT)]
    x = right - 255
    parts += [_line(x, y - 12, x, y + 3, _WANTED, 2.5), _text(x + 8, y, "wanted", fill=_FAINT)]
    x = right - 180
    parts += [_line(x, y - 4, x + 22, y - 4, _WANTED, 1)]
    parts.append(_text(x + 28, y, "spread of the runs", fill=_FAINT))
    return parts


def _colour(peer: str) -> str:
    return next((colour for name, colour in _PEERS.items() if peer.startswith(name)), _FAINT)


def _head(width: int, height: int, title: str) -> list[str]:
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    font = 'font-family="Helvetica, Arial, sans-serif" font-size="12"'
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {font}>',
        f"<title>{escape(title)}</title>",
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="16" y="24" font-size="16" font-weight="bold">{escape(title)}</text>',
    ]


def _text(
    x: float, y: float, text: str, *, anchor: str = "start", fill: str = _INK,
    weight: str = "normal", halo: bool = False,
) -> str:  # fmt: skip
    more = ' stroke="white" stroke-width="3" paint-order="stroke"' if halo else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{fill}"'
        f' font-weight="{weight}"{more}>{escape(text)}</text>'
    )


def _bar(x: float, y: float, width: float, height: float, colour: str) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colour}"/>'
    )


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, width: float) -> str:
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"'
        f' stroke-width="{width}"/>'
    )

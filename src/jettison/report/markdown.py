"""The report as Markdown, for summaries of CI jobs.

In:  a ``Report``.
Out: text in the dialect of GitHub and GitLab.

Security: names and instructions are anybody's. They stand in code spans, in which nothing has a
meaning; backticks, bars and control characters in them are written as something else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from jettison.console.plain import size
from jettison.linux.text import printable
from jettison.report.brief import ran
from jettison.report.model import Report
from jettison.report.words import (
    change,
    count,
    difference,
    duration,
    shipped,
    short_id,
    single_stage,
    some,
    surface_rows,
)

_ROWS = 10
_TEXT = 160
_SAFE = str.maketrans({"`": "'", "|": "¦"})


def markdown(report: Report) -> str:
    """Return the report as Markdown."""
    lines = [*_head(report), *_stages(report), *_crossings(report), *_surface(report)]
    lines += [*_findings(report), *_steps(report), *_waste(report), *_packages(report)]
    lines += _gates(report)
    return "\n".join(lines) + "\n"


def code(text: str) -> str:
    """Return text as a code span that fits into a cell of a table.

    >>> code("a|b`c")
    "`a¦b'c`"
    """
    plain = printable(text.replace("\n", " "))
    shown = plain if len(plain) <= _TEXT else plain[: _TEXT - 1] + "…"
    safe = shown.translate(_SAFE) or " "
    return f"`{safe}`"


def table(titles: Sequence[str], rows: Iterable[Sequence[str]], right: str) -> list[str]:
    """Return a table; ``right`` has an ``r`` for each column whose cells end below each other."""
    listed = [list(row) for row in rows]
    if not listed:
        return []
    marks = ["---:" if side == "r" else "---" for side in right]
    lines = [titles, marks, *listed]
    return ["", *(f"| {' | '.join(cells)} |" for cells in lines)]


def _head(report: Report) -> Iterator[str]:
    image = report.image
    yield f"## Image {code(image.ref or short_id(image))}"
    yield ""
    yield f"- {code(image.digest or image.id)}, {code(image.platform)}"
    yield f"- shipped {shipped(image)}"
    other = report.counterfactual
    if other is not None:
        yield f"- as a single stage it {code(single_stage(report))}"
    if report.cache.steps:
        saved = f", saved {duration(report.cache.saved_seconds)}"
        steps = count(report.cache.steps, "step")
        yield f"- cache: {report.cache.hits} of {steps} reused{saved}"
    if report.baseline is not None:
        delta = report.baseline.delta
        yield (
            f"- compared with {code(report.baseline.ref)}: size {change(delta.shipped)}, "
            f"files {difference(delta.files)}, packages {difference(delta.packages)}"
        )


def _stages(report: Report) -> list[str]:
    rows = [
        (
            code(each.name) + (" (final)" if each.final else ""),
            code(each.base.ref),
            size(each.bytes),
            f"{each.files:,}",
            size(each.added),
            size(each.reached) + (f" via {code(some(each.via, 2))}" if each.via else ""),
            size(each.left),
            duration(each.seconds),
        )
        for each in report.stages
        if each.used
    ]
    titles = ("Stage", "Base", "Size", "Files", "Added", "Reached image", "Left behind", "Time")
    return table(titles, rows, "llrrrrrr")


def _crossings(report: Report) -> list[str]:
    rows = (
        (
            code(f"{each.source}:{each.src}"),
            code(f"{each.target}:{each.dst}"),
            size(each.bytes),
            str(each.line),
        )
        for each in report.crossings[:_ROWS]
    )
    return table(("Crossed from", "to", "Size", "Line"), rows, "llrr")


def _surface(report: Report) -> list[str]:
    rows = [(name, before or "", after) for name, before, after in surface_rows(report)]
    return table(("Attack surface", "Before", "After"), rows, "lrr")


def _findings(report: Report) -> list[str]:
    found = [each for each in report.findings if each.severity != "note"]
    rows = [
        (each.severity, each.id, str(each.line or ""), code(each.message)) for each in found[:_ROWS]
    ]
    return table(("", "check", "line", "what"), rows, "llrl")


def _steps(report: Report) -> list[str]:
    rows = (
        (
            code(step.id),
            code(step.instruction),
            code(step.why.text) if step.why is not None else "",
            duration(step.seconds),
        )
        for step in ran(report)[:_ROWS]
    )
    return table(("Ran", "Instruction", "Because", "Time"), rows, "lllr")


def _waste(report: Report) -> list[str]:
    rows = (
        (code(each.path), size(each.bytes), each.cause, code(each.introduced), code(each.hidden_by))
        for each in report.waste[:_ROWS]
    )
    return table(("Wasted in", "Size", "Cause", "Shipped by", "Hidden by"), rows, "lrlll")


def _packages(report: Report) -> list[str]:
    shown = sorted(
        (each for each in report.packages if each.after), key=lambda each: (-each.bytes, each)
    )
    rows = (
        (each.kind, code(each.name), code(each.version), size(each.bytes)) for each in shown[:_ROWS]
    )
    return table(("Largest packages", "Name", "Version", "Size"), rows, "lllr")


def _gates(report: Report) -> list[str]:
    rows = (
        (
            each.name,
            code(each.limit),
            code(each.value),
            "ok" if each.ok else "**failed**",
            "; ".join(code(cause.text) for cause in each.causes),
        )
        for each in report.budget.gates
    )
    return table(("Gate", "Limit", "Found", "Result", "Look first at"), rows, "lllll")

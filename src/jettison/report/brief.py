"""The report on a terminal: at most 25 lines, and what each line has is in the JSON.

In:  a ``Report``, the width of the terminal.
Out: lines of text. Nothing depends on colours.
"""

from __future__ import annotations

from collections.abc import Iterator

from jettison.console.cells import clip, width
from jettison.console.plain import size
from jettison.console.table import lay_out
from jettison.linux.text import printable
from jettison.report.model import Report, Stage, Step
from jettison.report.words import (
    change,
    count,
    difference,
    duration,
    reached,
    shipped,
    short_id,
    single_stage,
    some,
    surface_rows,
)

MAX_LINES = 25
WIDTH = 100
"""Of what is no terminal."""
_STAGES = 5
_SEVERITIES = ("error", "warning")
_CROSSINGS = 2
_RAN = 2
_GATES = 2
_COLUMNS = 3
_CELL = 26
_ROWS = 4
_NARROW = 76
_LABEL = 14
_TITLES = ("STAGE", "BASE", "SIZE", "FILES", "ADDED", "REACHED IMAGE", "LEFT BEHIND", "TIME")


def brief(report: Report, columns: int = 0) -> str:
    """Return the report in at most 25 lines.

    Args:
        report: It.
        columns: Cells of a line; 0 for 100.
    """
    most = columns or WIDTH
    lines = [_title(report, most), *stage_table(report, most, _STAGES)]
    lines += [clip(printable(line), most) for line in _facts(report, most)]
    return "".join(f"{line.rstrip()}\n" for line in lines)


def stage_table(report: Report, columns: int, most: int) -> list[str]:
    """Return the table of stages as lines, the largest ones if there are more than some.

    Args:
        report: It.
        columns: Cells of a line.
        most: Stages that are shown.
    """
    shown = [each for each in report.stages if each.used]
    if len(shown) > most:
        kept = sorted(shown, key=lambda each: (not each.final, -each.bytes))[:most]
        rest = len(shown) - most
        shown = [each for each in shown if each in kept]
    else:
        rest = 0
    rows: list[tuple[str, ...]] = [_TITLES, *map(_row, shown)]
    if columns < _NARROW:
        rows = [(row[0], row[2], row[5], row[6]) for row in rows]
    lines = lay_out(
        rows, right=range(1 if columns < _NARROW else 2, 8), gap=2, most=columns
    ).splitlines()
    also = [f"and {count(rest, 'smaller stage')}"] if rest else []
    unused = [each.name for each in report.stages if not each.used]
    if unused:
        also.append(f"not needed, not built: {some(map(printable, unused), 6)}")
    if also:
        lines.append("; ".join(also))
    return [clip(line, columns) for line in lines]


def _row(stage: Stage) -> tuple[str, ...]:
    return (
        f"{stage.name} (final)" if stage.final else stage.name,
        stage.base.ref,
        size(stage.bytes),
        f"{stage.files:,}",
        size(stage.added),
        reached(stage),
        size(stage.left),
        duration(stage.seconds),
    )


def _title(report: Report, columns: int) -> str:
    image = report.image
    left = "  ".join(filter(None, [image.ref, short_id(image), image.platform]))
    right = duration(report.seconds) if report.seconds is not None else ""
    left = clip(printable(left), columns - len(right) - 1)
    return left + " " * (columns - width(left) - len(right)) + right


def _facts(report: Report, columns: int) -> Iterator[str]:
    yield _line("shipped", shipped(report.image))
    if single_stage(report):
        yield _line("single stage", single_stage(report))
    left = [f"{each.what} {size(each.bytes)} ({each.stage})" for each in report.left_behind]
    if left:
        yield _line("left behind", some(left, 3))
    crossed = [each for each in report.crossings if each.in_image]
    for each in crossed[:_CROSSINGS]:
        way = f"{each.source}:{each.src} → {each.dst}"
        yield _line("crossed", f"{way}  {size(each.bytes)}  line {each.line}")
    if len(crossed) > _CROSSINGS:
        yield _line("", f"and {count(len(crossed) - _CROSSINGS, 'line')} more")
    yield from _surface(report, columns)
    yield from _checks(report)
    yield from _cache(report)
    yield from _compared(report)
    yield from _budget(report)


def _line(label: str, text: str) -> str:
    return f"{label:<{_LABEL}}{text}"


def _surface(report: Report, columns: int) -> Iterator[str]:
    if report.surface is None:
        return
    cells = [
        f"{name} {before} → {after}" if before else f"{name} {after}"
        for name, before, after in surface_rows(report)
    ]
    across = max(1, min(_COLUMNS, (columns - _LABEL) // _CELL))
    if len(cells) > across * _ROWS:
        kept = across * _ROWS - 1
        cells = [*cells[:kept], f"and {count(len(cells) - kept, 'kind')} more"]
    cells += [""] * (-len(cells) % across)
    rows = [cells[start : start + across] for start in range(0, len(cells), across)]
    lines = lay_out(rows, most=columns - _LABEL).splitlines() if rows else ["no programs"]
    for label, line in zip(["surface"] + [""] * _ROWS, lines, strict=False):
        yield _line(label, line)


def _checks(report: Report) -> Iterator[str]:
    """Say how many findings there are, and what the first is, unless all are notes."""
    shown = [each for each in report.findings if each.severity != "note"]
    if shown:
        kinds = [(kind, sum(each.severity == kind for each in shown)) for kind in _SEVERITIES]
        counts = ", ".join(count(number, kind) for kind, number in kinds if number)
        first = shown[0]
        place = f" (line {first.line})" if first.line else ""
        yield _line("checks", f"{counts}: {first.id} {printable(first.message)}{place}")


def _cache(report: Report) -> Iterator[str]:
    cache = report.cache
    if not cache.steps:
        return
    saved = f", saved {duration(cache.saved_seconds)}" if cache.saved_seconds >= 0.05 else ""
    yield _line("cache", f"{cache.hits} of {count(cache.steps, 'step')} reused{saved}")
    for step in ran(report)[:_RAN]:
        yield _line("", f"ran {step.id} {step.instruction}{_because(step)}")


def ran(report: Report) -> list[Step]:
    """Return the steps that ran and are not only the consequence of another one."""
    steps = [step for stage in report.stages for step in stage.steps if not step.cached]
    causes = [step for step in steps if step.why is not None and step.why.root in {"", step.id}]
    return causes or [step for step in steps if step.why is None]


def _because(step: Step) -> str:
    """Return why a step ran; of a first build that goes without saying."""
    is_news = step.why is not None and step.why.cause != "first-build"
    return f": {step.why.text}" if step.why is not None and is_news else ""


def _compared(report: Report) -> Iterator[str]:
    baseline = report.baseline
    if baseline is None:
        return
    delta = baseline.delta
    parts = [
        f"size {change(delta.shipped)}",
        f"files {difference(delta.files)}",
        f"packages {difference(delta.packages)}",
        f"wasted {change(delta.wasted)}",
    ]
    yield _line("compared", f"with {baseline.ref}: {', '.join(parts)}")


def _budget(report: Report) -> Iterator[str]:
    gates = sorted(report.budget.gates, key=lambda gate: gate.ok)
    for gate in gates[:_GATES]:
        verdict = "ok" if gate.ok else "FAILED"
        yield _line("gate", f"{gate.name} {gate.limit}: {gate.value}, {verdict}")
    if len(gates) > _GATES:
        failed = sum(not gate.ok for gate in gates[_GATES:])
        also = f", {failed} of them failed" if failed else ", all of them ok"
        yield _line("", f"and {count(len(gates) - _GATES, 'gate')} more{also}")

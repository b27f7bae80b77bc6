"""The whole report as text: all that ``brief`` leaves out, in sections.

In:  a ``Report``.
Out: lines of text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from jettison.console.cells import clip
from jettison.console.plain import size
from jettison.console.table import lay_out
from jettison.linux.text import printable
from jettison.report.brief import WIDTH, brief
from jettison.report.model import Report
from jettison.report.words import SURFACE, count, duration, percent, some

_ROWS = 20
_PATHS = 5


def full(report: Report, columns: int = 0) -> str:
    """Return the report as one page.

    Args:
        report: It.
        columns: Cells of a line; 0 for 100.
    """
    most = columns or WIDTH
    lines = brief(report, columns).splitlines()
    for title, section in _SECTIONS:
        found = list(section(report, most))
        if found:
            lines += ["", title, *(clip(printable(f"  {line}"), most) for line in found)]
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _steps(report: Report, columns: int) -> Iterator[str]:
    for stage in report.stages:
        rows = [
            (
                step.id,
                f"line {step.line}" if step.line else "",
                size(step.bytes) if step.files else "",
                "cached" if step.cached else "ran",
                duration(step.seconds),
                step.instruction,
            )
            for step in stage.steps
        ]
        yield from _table(rows, columns, right=(2, 4))
        for step in stage.steps:
            if step.why is not None:
                fix = f"; {step.why.fix}" if step.why.fix else ""
                yield f"{step.id} ran: {step.why.text}{fix}"


def _crossings(report: Report, columns: int) -> Iterator[str]:
    yield from _table(
        (
            (
                f"line {each.line}",
                f"{each.source}:{each.src}",
                f"{each.target}:{each.dst}",
                size(each.bytes),
                count(each.files, "file"),
                "" if each.in_image else "not in the image",
            )
            for each in report.crossings
        ),
        columns,
        right=(3, 4),
    )


def _left(report: Report, columns: int) -> Iterator[str]:
    rows = ((each.stage, each.what, size(each.bytes)) for each in report.left_behind)
    yield from _table(rows, columns, right=(2,))


def _surface(report: Report, columns: int) -> Iterator[str]:
    if report.surface is None:
        return
    after, removed = report.surface.after, report.surface.removed
    for kind, name in SURFACE.items():
        if after.paths.get(kind):
            number = getattr(after, kind)
            paths = after.paths[kind][:_PATHS]
            yield f"{name} in the image: {some(paths, _PATHS, number - len(paths))}"
        if removed.get(kind):
            yield f"{name} left behind: {some(removed[kind], _PATHS)}"
    for path in after.unread:
        yield f"not read, or not to its end: {path}, which has packages"


def _waste(report: Report, columns: int) -> Iterator[str]:
    rows = (
        (
            size(each.bytes),
            each.path,
            each.cause,
            _place(each.introduced, each.introduced_line),
            _place(each.hidden_by, each.hidden_by_line),
        )
        for each in report.waste
    )
    yield from _table(rows, columns, right=(0,))


def _place(step: str, line: int) -> str:
    return f"{step} line {line}" if line else step


def _duplicates(report: Report, columns: int) -> Iterator[str]:
    for each in report.duplicates[:_ROWS]:
        paths = some(each.paths, 3, each.count - len(each.paths))
        saved = size(each.bytes * (each.count - 1))
        yield f"{saved}: {each.count} times {size(each.bytes)}: {paths}"


def _caches(report: Report, columns: int) -> Iterator[str]:
    rows = (
        (each.manager, each.path, size(each.bytes), count(each.files, "file"))
        for each in report.caches_left
    )
    yield from _table(rows, columns, right=(2, 3))


def _layers(report: Report, columns: int) -> Iterator[str]:
    rows = (
        (
            each.diff_id[7:19],
            size(each.bytes),
            "?" if each.compressed is None else size(each.compressed),
            each.step or "base image",
            each.instruction,
        )
        for each in report.image.layers
    )
    table = list(_table(rows, columns, right=(1, 2), titles=_LAYERS))
    yield from table if report.image.layers else []
    yield f"efficiency {percent(report.image.efficiency)}: what can be seen of what is shipped"


def _packages(report: Report, columns: int) -> Iterator[str]:
    shown = [each for each in report.packages if each.after]
    shown.sort(key=lambda each: (-each.bytes, each))
    rows = ((each.kind, each.name, each.version, size(each.bytes)) for each in shown[:_ROWS])
    yield from _table(rows, columns, right=(3,))
    if len(shown) > _ROWS:
        yield f"and {len(shown) - _ROWS:,} more"


def _directories(report: Report, columns: int) -> Iterator[str]:
    rows = (
        (size(each.bytes), count(each.files, "file"), each.path)
        for each in report.directories[:_ROWS]
    )
    yield from _table(rows, columns, right=(0, 1))


def _findings(report: Report, columns: int) -> Iterator[str]:
    for each in report.findings:
        line = f" line {each.line}" if each.line else ""
        yield f"{each.severity} {each.id}{line}: {each.message}"
        yield from (f"  {cause}" for cause in each.cause)
        if each.fix is not None:
            yield f"  fix: {each.fix.text}"


def _gates(report: Report, columns: int) -> Iterator[str]:
    for gate in report.budget.gates:
        verdict = "ok" if gate.ok else "FAILED"
        yield f"{gate.name} {gate.limit} ({gate.source}): {gate.value}, {verdict}"
        for cause in gate.causes:
            amount = f"{size(cause.bytes)} " if cause.bytes is not None else ""
            yield f"  {amount}{cause.text}"


_LAYERS = ("LAYER", "SIZE", "COMPRESSED", "STEP", "INSTRUCTION")
_SECTIONS: tuple[tuple[str, Callable[[Report, int], Iterable[str]]], ...] = (
    ("Steps", _steps),
    ("What crossed", _crossings),
    ("Left behind", _left),
    ("Attack surface", _surface),
    ("Shipped and not to be seen", _waste),
    ("Equal files", _duplicates),
    ("Caches of package managers in the image", _caches),
    ("Layers", _layers),
    ("Packages, the largest first", _packages),
    ("Directories, the largest first", _directories),
    ("Findings", _findings),
    ("Gates", _gates),
)


def _table(
    rows: Iterable[tuple[str, ...]],
    columns: int,
    *,
    right: tuple[int, ...] = (),
    titles: tuple[str, ...] | None = None,
) -> list[str]:
    listed = [*([titles] if titles else []), *rows]
    return lay_out(listed, right=right, gap=2, most=columns - 2).splitlines() if listed else []

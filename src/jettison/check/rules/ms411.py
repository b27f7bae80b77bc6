"""MS411: editable installs whose sources stayed in another stage.

In:  a ``Subject``.
Out: findings.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from jettison.analysis.python.lookup import lookup
from jettison.analysis.python.search_path import PthLine
from jettison.check.python.fixes import copy_line, put
from jettison.check.python.lost import Lost, Why, lost_modules, sources_of
from jettison.check.python.starts import python_starts
from jettison.check.rule import Rule
from jettison.check.subject import Subject
from jettison.findings.finding import Finding, Fix, FixKind, Severity


class MS411(Rule):
    r"""An editable install leads to sources that stayed in another stage.

    ## What it does
    Finds files that `pip install -e`, `uv sync`, `poetry install` or `setup.py develop` leave
    among the packages: they lead to the directory of the sources, which the image does not have.

    ## Why is this bad
    An editable install is a link: without the sources the package is not there, and its program
    ends with `ModuleNotFoundError`.

    ## Example
        FROM python:3.11-slim AS builder
        WORKDIR /src
        COPY . .
        RUN python -m venv /venv && /venv/bin/pip install -e .
        FROM python:3.11-slim
        COPY --from=builder /venv /venv
        CMD ["/venv/bin/app"]

    ## Use instead
        FROM python:3.11-slim AS builder
        WORKDIR /src
        COPY . .
        RUN python -m venv /venv && /venv/bin/pip install .
        FROM python:3.11-slim
        COPY --from=builder /venv /venv
        CMD ["/venv/bin/app"]
    """

    id = "MS411"
    title = "Packages that are installed as links have their sources"

    def check(self, subject: Subject) -> Iterable[Finding]:
        """Yield one finding for each place that files lead to and that is not there."""
        missed: dict[str, list[Lost]] = {}
        for lost in subject.fact(lost_modules):
            if lost.why is Why.EDITABLE and lost.line is not None:
                missed.setdefault(lost.line.target, []).append(lost)
        lines: dict[str, PthLine] = {}
        for start in subject.fact(python_starts):
            for line in start.start.path.lines:
                if not line.found and subject.is_new(line.file):
                    lines.setdefault(line.target, line)
        for target, line in lines.items():
            yield from self._line(subject, line, missed.get(target, []))

    def _line(self, subject: Subject, line: PthLine, missed: list[Lost]) -> Iterator[Finding]:
        stages = list(_having(subject, line))
        if not missed and not stages:
            return  # many leave lines behind that lead to nothing, and nobody misses it
        names = ", ".join(f"`{each.missing.name}`" for each in missed[:5]) or "nothing yet"
        cause = [f"{line.file} leads to {line.target}"]
        if stages:
            cause.append(f"stage `{subject.record.stages[stages[0]].label}` has {line.target}")
        if missed:
            first = missed[0]
            where = f"{first.missing.path}:{first.missing.line}"
            start = first.start.use.command.value
            cause.append(f"{names} imported by {where if first.missing.path else start}")
        yield self.finding(
            Severity.ERROR if any(each.start.is_sure for each in missed) else Severity.WARNING,
            f"an editable install leads to {line.target}, which is not in the image",
            span=subject.span_of(line.file),
            path=line.file,
            stage=subject.final.label,
            cause=tuple(cause),
            fixes=tuple(_fixes(subject, line, stages)),
        )


def _having(subject: Subject, line: PthLine) -> Iterator[int]:
    for index in sources_of(subject):
        root = subject.stage(index)
        look = root.fact(lookup) if root is not None else None
        if look is not None and (look.has(line.target) or look.has(line.target + ".py")):
            yield index


def _fixes(subject: Subject, line: PthLine, stages: list[int]) -> Iterator[Fix]:
    span = subject.span_of(line.file)
    if stages and line.target != "/":
        label = subject.record.stages[stages[0]].label
        root = subject.stage(stages[0])
        is_there = root is not None and root.fact(lookup).has(line.target)
        target = line.target if is_there else line.target + ".py"
        yield put(subject, copy_line(label, target, target), span.end_line if span else 0)
    yield Fix(
        FixKind.ADVICE, "install it without `-e` (`--no-editable` of uv), so that it is copied"
    )

"""MS405: distributions without what they require.

In:  a ``Subject``.
Out: findings.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from jettison.analysis.python.distributions import Distribution
from jettison.analysis.python.lookup import lookup
from jettison.analysis.python.requirements import normal_name
from jettison.check.python.fixes import copy_line, put, usual_site
from jettison.check.python.lost import lost_modules, sources_of
from jettison.check.python.places import site_version
from jettison.check.python.required import Distributions
from jettison.check.python.starts import PythonStart, python_starts
from jettison.check.rule import Rule
from jettison.check.subject import Subject
from jettison.findings.finding import Finding, Fix, FixKind, Severity

_MISSING = "not installed"
_SHOWN = 5


class MS405(Rule):
    r"""Distributions lack what they require.

    ## What it does
    Goes from the packages that the image's Python program imports to the distributions that they
    belong to, and on through `Requires-Dist`, as `pip check` does; finds what is not installed, or
    in a version that will not do. Markers are evaluated for the image's Python. Distributions
    that the base image brought are taken as they are.

    ## Why is this bad
    The import of the package fails, or a function of it when it is called.

    ## Example
        FROM python:3.11-slim AS builder
        RUN pip install flask
        FROM python:3.11-slim
        COPY --from=builder /usr/local/lib/python3.11/site-packages/flask \
          /usr/local/lib/python3.11/site-packages/flask
        CMD ["flask", "run"]

    ## Use instead
        FROM python:3.11-slim AS builder
        RUN pip install flask
        FROM python:3.11-slim
        COPY --from=builder /usr/local/lib/python3.11/site-packages \
          /usr/local/lib/python3.11/site-packages
        CMD ["flask", "run"]
    """

    id = "MS405"
    title = "Distributions have what they require"

    def check(self, subject: Subject) -> Iterable[Finding]:
        """Yield one finding for each distribution that lacks something."""
        if subject.fact(lost_modules):
            return  # what is missing there is the cause, or hides it
        seen: set[str] = set()
        for start in subject.fact(python_starts):
            for one, unmet in _unmet(subject, start):
                if one.metadata not in seen:
                    seen.add(one.metadata)
                    yield self._lacking(subject, start, one, unmet)

    def _lacking(
        self, subject: Subject, start: PythonStart, one: Distribution, unmet: dict[str, str]
    ) -> Finding:
        shown = ", ".join(f"`{each}`" for each in list(unmet)[:_SHOWN])
        more = f" and {len(unmet) - _SHOWN} more" if len(unmet) > _SHOWN else ""
        return self.finding(
            Severity.WARNING,
            f"{one.label} requires {shown}{more}, which Python {start.start.interpreter.version}"
            " does not have",
            span=subject.span_of(one.metadata),
            path=one.metadata,
            stage=subject.final.label,
            cause=tuple(f"{name}: {said}" for name, said in list(unmet.items())[:4]),
            fixes=tuple(_fixes(subject, start, one, unmet)),
        )


def _unmet(subject: Subject, start: PythonStart) -> Iterator[tuple[Distribution, dict[str, str]]]:
    """Yield distributions with what they require and lack, and how that is."""
    have = Distributions(subject, start)
    if not any(subject.is_new(each.metadata) for each in have.known.values()):
        return
    for each in have.used():
        unmet: dict[str, str] = {}
        for wanted in each.requires:
            found = have.known.get(wanted.name)
            if found is None:
                unmet[wanted.name] = _MISSING
            elif found.version and not wanted.is_met_by(found.version):
                clauses = ", ".join(map("".join, wanted.clauses))
                unmet[wanted.name] = f"{found.version} is installed, {clauses} is wanted"
        if unmet and subject.is_new(each.distribution.metadata):
            yield each.distribution, unmet


def _fixes(
    subject: Subject, start: PythonStart, one: Distribution, unmet: dict[str, str]
) -> Iterator[Fix]:
    span = subject.span_of(one.metadata)
    line = span.end_line or span.line if span is not None else 0
    copied = subject.copied(one.metadata)
    stages = ([copied.stage] if copied and copied.stage >= 0 else []) + sources_of(subject)
    version = start.start.interpreter.version
    names = list(unmet)
    are_missing = all(said == _MISSING for said in unmet.values())
    for index in dict.fromkeys(stages) if are_missing else ():
        directory = _site_with(subject, index, names)
        if directory and site_version(directory) in {"", version}:
            label = subject.record.stages[index].label
            target = usual_site(subject.image.fact(lookup), start.start)
            yield put(subject, copy_line(label, directory, target), line)
            return
    yield Fix(FixKind.ADVICE, f"install {', '.join(names[:_SHOWN])} for Python {version}")


def _site_with(subject: Subject, index: int, names: list[str]) -> str:
    """Return a directory of a stage in which some distributions are installed; empty for none."""
    root = subject.stage(index)
    if root is None:
        return ""
    having: dict[str, set[str]] = {}
    for path in root.files.entries:
        if path.endswith((".dist-info", ".egg-info")):
            directory, _, last = path.rpartition("/")
            name = normal_name(last.partition("-")[0])
            if name in names:
                having.setdefault(directory, set()).add(name)
    return next((each for each, found in sorted(having.items()) if found >= set(names)), "")

"""MS404: extension modules for another Python.

In:  a ``Subject``.
Out: findings.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from jettison.check.python.extensions import Foreign, foreign_extensions
from jettison.check.python.fixes import same_base
from jettison.check.python.lost import Lost, Why, lost_modules
from jettison.check.rule import Rule
from jettison.check.subject import Subject
from jettison.findings.finding import Finding, Fix, FixKind, Severity


class MS404(Rule):
    r"""Extension modules are for another Python than the image's.

    ## What it does
    Finds compiled modules of packages that the program imports whose name says that they are for
    another version (`cpython-312`), another implementation (`pypy39`) or another C library
    (`linux-musl`) than the image's Python, where nothing beside them stands in for them.

    It is an error where the module is sure to be imported, and a warning where the package may do
    without it.

    ## Why is this bad
    Python looks for the names of its own only: it does not see these files, and the import fails.

    ## Example
        FROM python:3.11-alpine AS builder
        RUN pip install --target=/packages pydantic
        FROM python:3.11-slim
        COPY --from=builder /packages /usr/local/lib/python3.11/site-packages
        COPY app.py /
        CMD ["python", "/app.py"]

    ## Use instead
        FROM python:3.11-slim AS builder
        RUN pip install --target=/packages pydantic
        FROM python:3.11-slim
        COPY --from=builder /packages /usr/local/lib/python3.11/site-packages
        COPY app.py /
        CMD ["python", "/app.py"]
    """

    id = "MS404"
    title = "Extension modules are for the image's Python"

    def check(self, subject: Subject) -> Iterable[Finding]:
        """Yield one finding for each package."""
        groups: dict[str, list[Foreign]] = {}
        for each in subject.fact(foreign_extensions):
            groups.setdefault(each.label or each.top, []).append(each)
        known = set()
        for name, group in groups.items():
            missed = [each for each in group if each.is_missed] or group
            known |= {each.path for each in group}
            yield self._package(subject, name, missed[0])
        for lost in subject.fact(lost_modules):
            if lost.why is Why.ABI and lost.path not in known:
                yield self._module(subject, lost)

    def _package(self, subject: Subject, name: str, one: Foreign) -> Finding:
        interpreter = one.start.start.interpreter
        wanted = interpreter.suffixes[0].strip(".").removesuffix(".so")
        is_error = one.is_missed and one.start.is_sure
        certain = "" if one.is_missed else "; it may do without"
        return self.finding(
            Severity.ERROR if is_error else Severity.WARNING,
            f"`{name}` has a module for {one.tag}, which the image's Python does not load{certain}",
            span=subject.span_of(one.path),
            path=one.path,
            stage=subject.final.label,
            cause=tuple(_cause(subject, one.path, one.start.label, wanted)),
            fixes=tuple(_fixes(subject, one.path, interpreter.version)),
        )

    def _module(self, subject: Subject, lost: Lost) -> Finding:
        interpreter = lost.start.start.interpreter
        wanted = (
            interpreter.suffixes[0].strip(".").removesuffix(".so") if interpreter.suffixes else ""
        )
        importer = f"{lost.missing.path}:{lost.missing.line}"
        return self.finding(
            Severity.ERROR if lost.start.is_sure else Severity.WARNING,
            f"`{lost.missing.name}`, imported by {importer}, is for another Python",
            span=subject.span_of(lost.path),
            path=lost.path,
            stage=subject.final.label,
            cause=tuple(_cause(subject, lost.path, lost.start.label, wanted)),
            fixes=tuple(_fixes(subject, lost.path, interpreter.version)),
        )


def _cause(subject: Subject, path: str, label: str, wanted: str) -> Iterator[str]:
    copied = subject.copied(path)
    if copied is not None and copied.stage >= 0:
        yield f"copied from stage `{copied.name}`: {copied.source}"
    yield f"image: {label}, for {wanted}"


def _fixes(subject: Subject, path: str, version: str) -> Iterator[Fix]:
    copied = subject.copied(path)
    if copied is not None and copied.stage >= 0:
        yield from same_base(subject, copied.stage, version)
    else:
        yield Fix(FixKind.ADVICE, f"install the package with the image's Python {version}")

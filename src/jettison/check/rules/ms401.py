"""MS401: Python modules that stayed in another stage.

In:  a ``Subject``.
Out: findings.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from jettison.analysis.python.lookup import lookup
from jettison.check.python.fixes import copy_line, put, same_base, usual_site, weight
from jettison.check.python.lost import Lost, Why, lost_modules
from jettison.check.python.places import owners_in
from jettison.check.rule import Rule
from jettison.check.subject import Subject
from jettison.findings.finding import Finding, Fix, Severity

_SHOWN = 5
_SYSTEM = "/usr/lib/python3/dist-packages"


class MS401(Rule):
    r"""Python modules that a program imports stayed in another stage.

    ## What it does
    Follows the imports of the Python program that ENTRYPOINT, CMD or HEALTHCHECK start, without
    executing it, and finds modules that are sure to be imported and that the image does not have,
    but a stage of the build: it is installed there, or lies beside the program.

    Imports in functions, in `try` with a handler of `ImportError` and under `TYPE_CHECKING` are
    not counted; neither are programs that change `sys.path`.

    ## Why is this bad
    The program ends with `ModuleNotFoundError` when it is started.

    ## Example
        FROM python:3.11-slim AS builder
        RUN pip install flask
        COPY app.py /src/
        FROM python:3.11-slim
        COPY --from=builder /src/app.py /app/
        CMD ["python", "/app/app.py"]

    ## Use instead
        FROM python:3.11-slim AS builder
        RUN pip install flask
        COPY app.py /src/
        FROM python:3.11-slim
        COPY --from=builder /usr/local/lib/python3.11/site-packages \
          /usr/local/lib/python3.11/site-packages
        COPY --from=builder /src/app.py /app/
        CMD ["python", "/app/app.py"]
    """

    id = "MS401"
    title = "The Python modules that the program imports are in the image"

    def check(self, subject: Subject) -> Iterable[Finding]:
        """Yield one finding for each directory that something stayed in."""
        groups: dict[tuple[str, int, str], list[Lost]] = {}
        for lost in subject.fact(lost_modules):
            if lost.why in {Why.LEFT, Why.SOURCE}:
                key = (lost.start.start.program, lost.stage, lost.directory)
                groups.setdefault(key, []).append(lost)
            elif lost.why is Why.NOWHERE:
                yield from self._nowhere(subject, lost)
        for group in groups.values():
            yield self._left(subject, group)

    def _left(self, subject: Subject, group: list[Lost]) -> Finding:
        first = group[0]
        stage = subject.record.stages[first.stage].label
        names = list(dict.fromkeys(each.missing.name for each in group))
        shown = ", ".join(f"`{each}`" for each in names[:_SHOWN])
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        missing = first.missing
        return self.finding(
            Severity.ERROR if any(each.start.is_sure for each in group) else Severity.WARNING,
            f"{shown}{more}: imported by {_importer(first)}, in stage `{stage}` but not in the"
            " image",
            span=subject.span_of(missing.path) if missing.path else None,
            path=missing.path,
            stage=subject.final.label,
            cause=tuple(_cause(subject, first, names)),
            fixes=tuple(_fixes(subject, group)),
        )

    def _nowhere(self, subject: Subject, lost: Lost) -> Iterator[Finding]:
        """Yield a warning about a module of the program that no stage has."""
        missing = lost.missing
        if not missing.path or not lost.start.is_sure or not subject.is_new(missing.path):
            return
        version = lost.start.start.interpreter.version
        left_out = [each.label for each in subject.record.stages if not each.needed]
        unbuilt = f"; not built, as nothing needs them: {', '.join(left_out)}" if left_out else ""
        yield self.finding(
            Severity.WARNING,
            f"`{missing.name}`: imported by {_importer(lost)}, Python {version} does not find it",
            span=subject.span_of(missing.path),
            path=missing.path,
            stage=subject.final.label,
            cause=(lost.start.label, f"no stage that was built has the module{unbuilt}"),
        )


def _importer(lost: Lost) -> str:
    missing = lost.missing
    return f"{missing.path}:{missing.line}" if missing.path else lost.start.use.command.value


def _cause(subject: Subject, first: Lost, names: list[str]) -> Iterator[str]:
    stage = subject.record.stages[first.stage].label
    root = subject.stage(first.stage)
    where = f"stage `{stage}`: {first.directory}"
    held = weight(subject, first.stage, first.directory) if first.why is Why.LEFT else ""
    if root is not None and first.why is Why.LEFT:
        known = owners_in(root, first.directory)
        tops = dict.fromkeys(each.partition(".")[0] for each in names[:_SHOWN])
        labels = dict.fromkeys(known[top].label for top in tops if top in known)
        where += f" has {', '.join(labels)}" if labels else ""
    yield f"{where} ({held})" if held else where
    version = first.place.version if first.place is not None else ""
    said = f", that of stage `{stage}` is for {version}" if version else ""
    yield f"image: {first.start.label}{said}"


def _fixes(subject: Subject, group: list[Lost]) -> Iterator[Fix]:
    first = group[0]
    stage = subject.record.stages[first.stage].label
    span = subject.span_of(first.missing.path) if first.missing.path else None
    line = span.end_line or span.line if span is not None else 0
    interpreter = first.start.start.interpreter
    if first.why is Why.SOURCE:
        yield put(subject, "\n".join(_sources(subject, group, stage)), line)
        return
    version = first.place.version if first.place is not None else ""
    if version not in {"", interpreter.version}:
        yield from same_base(subject, first.stage, interpreter.version)
        return
    target = usual_site(subject.image.fact(lookup), first.start.start)
    if first.directory != _SYSTEM:
        yield put(subject, copy_line(stage, first.directory, target), line)
        return
    tops = dict.fromkeys(each.missing.name.partition(".")[0] for each in group)
    lines = [copy_line(stage, f"{_SYSTEM}/{top}", f"{_SYSTEM}/{top}") for top in tops]
    yield put(subject, "\n".join(lines), line)


def _sources(subject: Subject, group: list[Lost], stage: str) -> Iterator[str]:
    """Yield the COPY of each module of the program itself, to where it is looked for."""
    root = subject.stage(group[0].stage)
    look = root.fact(lookup) if root is not None else None
    for lost in group:
        name = lost.missing.name.replace(".", "/")
        copied = subject.copied(lost.missing.path)
        if look is None or copied is None:
            continue
        if look.directory(f"{lost.directory}/{name}") is None:
            name += ".py"
        base = lost.missing.path.removesuffix(copied.source.removeprefix(lost.directory))
        yield copy_line(stage, f"{lost.directory}/{name}", f"{base}/{name}")

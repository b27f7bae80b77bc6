"""MS402: Python packages where the image's Python does not look.

In:  a ``Subject``.
Out: findings.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from jettison.analysis.python.lookup import lookup
from jettison.analysis.python.venvs import Venv
from jettison.check.python.fixes import copied_directory, replaced_copy, same_base, usual_site
from jettison.check.python.lost import Lost, Why, all_venvs, lost_modules
from jettison.check.python.places import looking_in, owners_in, same_version, site_version, versions
from jettison.check.python.starts import python_starts
from jettison.check.rule import Rule
from jettison.check.subject import Subject
from jettison.errors import Span
from jettison.findings.finding import Finding, Fix, FixKind, Severity

_SHOWN = 5

_SITES = ("site-packages", "dist-packages")


class MS402(Rule):
    r"""Python packages are where the image's Python does not look.

    ## What it does
    Finds packages that were copied into a directory of another Python than the image has, such as
    `lib/python3.12/site-packages` beside a Python 3.11, or of another place, such as
    `/usr/local/lib` beside a Python in `/usr` that looks in `dist-packages` only; and virtual
    environments whose interpreter is of another version than their packages.

    ## Why is this bad
    Python X.Y looks in directories of X.Y, and nowhere else: the packages are in the image, and
    the program ends with `ModuleNotFoundError`.

    ## Example
        FROM python:3.12-slim AS builder
        RUN pip install flask
        FROM python:3.11-slim
        COPY --from=builder /usr/local/lib/python3.12/site-packages \
          /usr/local/lib/python3.12/site-packages
        COPY app.py /app/
        CMD ["python", "/app/app.py"]

    ## Use instead
        FROM python:3.11-slim AS builder
        RUN pip install flask
        FROM python:3.11-slim
        COPY --from=builder /usr/local/lib/python3.11/site-packages \
          /usr/local/lib/python3.11/site-packages
        COPY app.py /app/
        CMD ["python", "/app/app.py"]
    """

    id = "MS402"
    title = "Python packages are where the image's Python looks"

    def check(self, subject: Subject) -> Iterable[Finding]:
        """Yield one finding for each directory, and each virtual environment."""
        groups: dict[str, list[Lost]] = {}
        for lost in subject.fact(lost_modules):
            if lost.why is Why.ELSEWHERE:
                groups.setdefault(lost.directory, []).append(lost)
        reported = set()
        for one in subject.image.fact(all_venvs):
            finding = self._venv(subject, one)
            if finding is not None:
                reported.add(one.site)
                yield finding
        for directory, group in groups.items():
            if directory not in reported:
                yield self._missed(subject, directory, group)
        yield from self._unused(subject, reported | set(groups))

    def _missed(self, subject: Subject, directory: str, group: list[Lost]) -> Finding:
        first = group[0]
        names = list(dict.fromkeys(each.missing.name for each in group))
        version = first.start.start.interpreter.version
        theirs = site_version(directory)
        is_other = theirs not in {"", version}
        where = f"for Python {theirs}" if is_other else f"in {directory}"
        missing = first.missing
        importer = (
            f"{missing.path}:{missing.line}" if missing.path else first.start.use.command.value
        )
        shown = ", ".join(f"`{each}`" for each in names[:_SHOWN])
        return self.finding(
            Severity.ERROR if any(each.start.is_sure for each in group) else Severity.WARNING,
            f"packages {where} are not seen by Python {version}: {shown}, imported by {importer}",
            span=_span(subject, directory),
            path=directory,
            stage=subject.final.label,
            cause=tuple(_cause(subject, first, directory)),
            fixes=tuple(_fixes(subject, first, directory)),
        )

    def _venv(self, subject: Subject, one: Venv) -> Finding | None:
        found = one.interpreter
        if found is None or not one.version or found.version == one.version:
            return None
        if not subject.is_new(f"{one.path}/pyvenv.cfg"):
            return None
        started = any(each.start.venv == one for each in subject.fact(python_starts))
        copied = subject.copied(f"{one.path}/pyvenv.cfg")
        stage = copied.stage if copied is not None else -1
        return self.finding(
            Severity.ERROR if started else Severity.WARNING,
            f"the virtual environment {one.path} is for Python {one.version}, its interpreter is"
            f" {found.version}",
            span=subject.span_of(f"{one.path}/pyvenv.cfg"),
            path=one.path,
            stage=subject.final.label,
            cause=(
                f"{one.site} has its packages",
                f"{one.program} leads to {found.path}, Python {found.version}",
            ),
            fixes=same_base(subject, stage, found.version) if stage >= 0 else (),
        )

    def _unused(self, subject: Subject, known: set[str]) -> Iterator[Finding]:
        """Yield directories of packages that no interpreter of the image looks in."""
        have = versions(subject.image)
        if not have:
            return
        for directory in _sites(subject):
            version = site_version(directory)
            if directory in known or not version or version in have:
                continue
            copied = copied_directory(subject, directory)
            if copied is None or copied.stage < 0 or not owners_in(subject.image, directory):
                continue
            yield self.finding(
                Severity.WARNING,
                f"packages for Python {version} are not seen by Python {', '.join(have)}",
                span=copied.span,
                path=directory,
                stage=subject.final.label,
                cause=(f"copied from {copied.source} of stage `{copied.name}`",),
                fixes=same_base(subject, copied.stage, have[-1]),
            )


def _span(subject: Subject, directory: str) -> Span | None:
    copied = copied_directory(subject, directory)
    return copied.span if copied is not None else subject.span_of(directory)


def _sites(subject: Subject) -> list[str]:
    in_venvs = {each.site for each in subject.image.fact(all_venvs)}
    files = subject.image.files
    found = [path for name in _SITES for path in files.named(name)]
    return [path for path in found if files.entries[path].is_dir and path not in in_venvs]


def _cause(subject: Subject, first: Lost, directory: str) -> Iterator[str]:
    copied = copied_directory(subject, directory)
    known = owners_in(subject.image, directory)
    top = first.missing.name.partition(".")[0]
    label = f"{known[top].label} is in {directory}" if top in known else f"they are in {directory}"
    if copied is not None and copied.stage >= 0:
        label += f", from stage `{copied.name}`"
    yield label
    looked = [each for each in first.start.start.path.site if each != directory]
    yield f"{first.start.label} and looks in {', '.join(looked) or 'no directory of packages'}"


def _fixes(subject: Subject, first: Lost, directory: str) -> Iterator[Fix]:
    copied = copied_directory(subject, directory)
    if copied is None or copied.stage < 0:
        other = looking_in(subject.image, directory)
        start = f"start {other.path}, which looks there, or " if other is not None else ""
        yield Fix(FixKind.ADVICE, f"{start}install them with {first.start.start.program} -m pip")
        return
    version = first.start.start.interpreter.version
    theirs = site_version(directory)
    root = subject.stage(copied.stage)
    made_here = root is not None and theirs and same_version(root, theirs) is not None
    if theirs not in {"", version} and (made_here or root is None):
        yield from same_base(subject, copied.stage, version)
        return
    target = usual_site(subject.image.fact(lookup), first.start.start)
    yield replaced_copy(subject, copied, target)

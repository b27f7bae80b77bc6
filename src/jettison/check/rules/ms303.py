"""MS303: a library that a program needs is missing.

In:  a ``Subject``.
Out: findings.
"""

from __future__ import annotations

from collections.abc import Iterable

from jettison.analysis.loader.base import Family, Fault, Missing
from jettison.check.alignment import copies
from jettison.check.diagnosis import failures
from jettison.check.loads import Load, here, there
from jettison.check.rule import Rule
from jettison.check.subject import Subject
from jettison.check.wording import grouped, listed, owner_there, sides, span_of, subject_of
from jettison.findings.finding import Finding, Fix, FixKind
from jettison.findings.fix import advice

_DRIVERS = (
    *("libcuda.so", "libnvidia-", "libnvcuvid.so", "libEGL_nvidia", "libGLX_nvidia"),
    "libnvoptix",
)
"""What drivers of the machine put into containers."""
_ADVICE = "install the package that has the library, or copy the library as well"


class MS303(Rule):
    r"""A program needs a library that the loader does not find.

    ## What it does
    Follows what programs need as the loader of the C library does (glibc's or musl's: paths in the
    files, `LD_LIBRARY_PATH`, `ld.so.cache`, directories of the system), and finds what is nowhere
    on the way, or there for another architecture only. What a COPY brought and the image does not
    start is an error only if it works where it came from. Libraries of drivers (CUDA) are
    none of the image's.

    ## Why is this bad
    The program ends at once: `error while loading shared libraries: libpq.so.5: cannot open shared
    object file`.

    ## Example
        FROM debian:12 AS builder
        RUN apt-get update && apt-get install -y gcc libpq-dev && gcc -o /app /app.c -lpq
        FROM debian:12-slim
        COPY --from=builder /app /app
        CMD ["/app"]

    ## Use instead
        FROM debian:12 AS builder
        RUN apt-get update && apt-get install -y gcc libpq-dev && gcc -o /app /app.c -lpq
        FROM debian:12-slim
        RUN apt-get update && apt-get install -y --no-install-recommends libpq5
        COPY --from=builder /app /app
        CMD ["/app"]
    """

    id = "MS303"
    title = "The libraries that a program needs are there"

    def check(self, subject: Subject) -> Iterable[Finding]:
        """Yield a finding for each program, or for what one COPY brought."""
        for load, others in grouped(subject, failures(subject, self.id), _names):
            missing = [each for each in load.closure.missing if not _is_of_driver(each)]
            if not missing:
                continue
            names = listed(dict.fromkeys(each.name for each in missing))
            yield self.finding(
                load.severity,
                f"{subject_of(load, missing[0].by, others)} needs {names}, which the loader does"
                " not find",
                span=span_of(subject, load),
                path=load.path,
                stage=subject.final.label,
                cause=(*_cause(subject, load, missing[0]), *sides(subject, load)),
                fixes=_fixes(subject, load, missing),
            )


def _names(load: Load) -> object:
    return tuple(each.name for each in load.closure.missing)


def _is_of_driver(missing: Missing) -> bool:
    return missing.name.startswith(_DRIVERS)


def _cause(subject: Subject, load: Load, missing: Missing) -> tuple[str, ...]:
    if missing.fault is Fault.ARCHITECTURE:
        return (f"`{missing.found}` is for another architecture",)
    if missing.fault is Fault.UNUSABLE:
        return (f"`{missing.found}` is no library",)
    if missing.found:
        return (f"`{missing.found}` is in a directory of ld.so.conf, but not in ld.so.cache",)
    path, owner = owner_there(subject, load, missing.name)
    if not path:
        return ()
    of = f", of package {owner.name}" if owner is not None else ""
    label = load.copied.name if load.copied is not None else ""
    return (f"stage `{label}` has it: `{path}`{of}",)


def _fixes(subject: Subject, load: Load, missing: list[Missing]) -> tuple[Fix, ...]:
    if any(each.fault is Fault.ABSENT and each.found for each in missing):
        return (Fix(FixKind.INSERT, "RUN ldconfig", _line(subject, load)),)
    found = list(copies(subject, load))
    own, other = here(subject), there(subject, load.copied)
    owners = [owner_there(subject, load, each.name)[1] for each in missing]
    installs = dict.fromkeys(each.install for each in owners if each is not None)
    if own.family is not Family.NONE and other is not None and own.id == other.id:
        text = "\n".join(installs)
        if text and load.copied is not None:
            found.append(Fix(FixKind.INSERT, text, load.copied.line - 1))
    return tuple(found) or advice(_ADVICE)


def _line(subject: Subject, load: Load) -> int:
    return load.copied.end_line if load.copied is not None else subject.end

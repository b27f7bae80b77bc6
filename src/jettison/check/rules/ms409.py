"""MS409: a Go program was built with cgo, and the image has no C library.

In:  a ``Subject``.
Out: findings.
"""

from __future__ import annotations

from collections.abc import Iterable

from jettison.check.alignment import after_from, copies, same_base
from jettison.check.diagnosis import failures
from jettison.check.loads import Load
from jettison.check.rule import Rule
from jettison.check.subject import Subject
from jettison.check.wording import grouped, sides, span_of, subject_of
from jettison.findings.finding import Finding, Fix
from jettison.findings.fix import advice


class MS409(Rule):
    r"""A Go program was built with cgo and needs a C library, which the image does not have.

    ## What it does
    Reads the build information of Go programs (`CGO_ENABLED=1`) that are linked dynamically, in
    images without a C library. If the image has another one, it is MS305.

    ## Why is this bad
    Where a C compiler is at hand, packages such as `net` and `os/user` are built with it, and the
    program needs the loader of the C library: `no such file or directory` when it is started.

    ## Example
        FROM golang:1.23 AS builder
        COPY . .
        RUN go build -o /app .
        FROM scratch
        COPY --from=builder /app /app
        CMD ["/app"]

    ## Use instead
        FROM golang:1.23 AS builder
        ENV CGO_ENABLED=0
        COPY . .
        RUN go build -o /app .
        FROM scratch
        COPY --from=builder /app /app
        CMD ["/app"]
    """

    id = "MS409"
    title = "Go programs in images without a C library do not need one"

    def check(self, subject: Subject) -> Iterable[Finding]:
        """Yield a finding for each program, or for what one COPY brought."""
        for load, others in grouped(subject, failures(subject, self.id), lambda _: ""):
            go = load.elf.go
            version = f" by {go.version}" if go is not None else ""
            yield self.finding(
                load.severity,
                f"{subject_of(load, load.path, others)} was built with cgo{version} and needs"
                f" `{load.elf.interp}`, and the image has no C library",
                span=span_of(subject, load),
                path=load.path,
                stage=subject.final.label,
                cause=sides(subject, load),
                fixes=_fixes(subject, load),
            )


def _fixes(subject: Subject, load: Load) -> tuple[Fix, ...]:
    if load.copied is None or load.copied.stage < 0:
        return advice("build it with CGO_ENABLED=0, or use a base image with glibc")
    static = after_from(subject, load.copied.stage, "ENV CGO_ENABLED=0")
    return (static, *copies(subject, load), *same_base(subject, load))

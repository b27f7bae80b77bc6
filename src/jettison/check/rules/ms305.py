"""MS305: a program was built for another C library.

In:  a ``Subject``.
Out: findings.
"""

from __future__ import annotations

from collections.abc import Iterable

from jettison.analysis.loader.base import Family
from jettison.analysis.loader.family import built_for
from jettison.check.alignment import after_from, same_base
from jettison.check.diagnosis import failures, foreign
from jettison.check.loads import Load, here
from jettison.check.rule import Rule
from jettison.check.subject import Subject
from jettison.check.wording import grouped, sides, span_of, subject_of
from jettison.findings.finding import Finding, Fix, Severity
from jettison.findings.fix import advice


class MS305(Rule):
    r"""A program was built for glibc and the image has musl, or the other way round.

    ## What it does
    Compares the C library that programs and libraries were built for with the one that the image
    has. Images with a layer for compatibility that provides the other loader get a warning.

    ## Why is this bad
    Alpine Linux has musl, Debian and most others have glibc. What was built for one is not started
    by the other: the kernel says `no such file or directory` of a file that is there, or the loader
    finds symbols missing.

    ## Example
        FROM golang:1.23 AS builder
        COPY . .
        RUN go build -o /app .
        FROM alpine:3.20
        COPY --from=builder /app /app
        CMD ["/app"]

    ## Use instead
        FROM golang:1.23 AS builder
        ENV CGO_ENABLED=0
        COPY . .
        RUN go build -o /app .
        FROM alpine:3.20
        COPY --from=builder /app /app
        CMD ["/app"]
    """

    id = "MS305"
    title = "Programs were built for the C library of the image"

    def check(self, subject: Subject) -> Iterable[Finding]:
        """Yield a finding for each program, or for what one COPY brought."""
        own = here(subject)
        for load, others in grouped(subject, failures(subject, self.id), _family):
            yield self._finding(subject, load, others, load.severity, f"has {own.family.value}")
        for load, others in grouped(subject, foreign(subject), _family):
            said = "loads it by musl: symbols may be missing"
            yield self._finding(subject, load, others, Severity.WARNING, said)

    def _finding(
        self, subject: Subject, load: Load, others: int, severity: Severity, said: str
    ) -> Finding:
        family = built_for(load.elf)
        return self.finding(
            severity,
            f"{subject_of(load, load.path, others)} was built for {family.value}, and the image"
            f" {said}",
            span=span_of(subject, load),
            path=load.path,
            stage=subject.final.label,
            cause=sides(subject, load),
            fixes=_fixes(subject, load, family),
        )


def _family(load: Load) -> object:
    return built_for(load.elf)


def _fixes(subject: Subject, load: Load, family: Family) -> tuple[Fix, ...]:
    found: tuple[Fix, ...] = ()
    if load.elf.go is not None and load.copied is not None and load.copied.stage >= 0:
        found = (after_from(subject, load.copied.stage, "ENV CGO_ENABLED=0"),)
    found += same_base(subject, load)
    return found or advice(
        f"build it on an image with {here(subject).family.value}, or use a base image with"
        f" {family.value}"
    )

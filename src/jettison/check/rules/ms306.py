"""MS306: a program is for another architecture.

In:  a ``Subject``.
Out: findings.
"""

from __future__ import annotations

from collections.abc import Iterable

from jettison.check.diagnosis import failures
from jettison.check.loads import Load
from jettison.check.rule import Rule
from jettison.check.subject import Subject
from jettison.check.wording import grouped, sides, span_of, subject_of
from jettison.findings.finding import Finding
from jettison.findings.fix import advice


class MS306(Rule):
    r"""A program is for another architecture than the image.

    ## What it does
    Compares the architecture of programs that the image starts, or that a COPY put on PATH, with
    that of the image's platform.

    ## Why is this bad
    The kernel refuses to start it: `exec format error`. It comes of downloads with a fixed
    architecture in their name, of builders on `$BUILDPLATFORM` that do not compile for
    `$TARGETARCH`, and of files that were built on another machine.

    ## Example
        FROM --platform=$BUILDPLATFORM golang:1.23 AS builder
        COPY . .
        RUN CGO_ENABLED=0 go build -o /app .
        FROM scratch
        COPY --from=builder /app /app
        CMD ["/app"]

    ## Use instead
        FROM --platform=$BUILDPLATFORM golang:1.23 AS builder
        ARG TARGETARCH
        COPY . .
        RUN CGO_ENABLED=0 GOARCH=$TARGETARCH go build -o /app .
        FROM scratch
        COPY --from=builder /app /app
        CMD ["/app"]
    """

    id = "MS306"
    title = "Programs are for the architecture of the image"

    def check(self, subject: Subject) -> Iterable[Finding]:
        """Yield a finding for each program, or for what one COPY brought."""
        for load, others in grouped(subject, failures(subject, self.id), _architecture):
            own, other = subject.platform.architecture, load.elf.architecture
            yield self.finding(
                load.severity,
                f"{subject_of(load, load.path, others)} is for {other}, and the image for {own}",
                span=span_of(subject, load),
                path=load.path,
                stage=subject.final.label,
                cause=sides(subject, load),
                fixes=advice(_advice(load, own)),
            )


def _architecture(load: Load) -> object:
    return load.elf.architecture


def _advice(load: Load, own: str) -> str:
    if load.elf.go is not None:
        return f"build it with GOARCH={own}, or with `ARG TARGETARCH` and GOARCH=$TARGETARCH"
    if load.copied is not None and load.copied.is_context:
        return f"put the file for {own} into the build context"
    return f"build or download it for {own}: `ARG TARGETARCH` has the architecture of the image"

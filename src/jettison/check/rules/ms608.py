"""MS608: a program that needs nothing, on a large base.

In:  a ``Subject``.
Out: findings.
"""

from __future__ import annotations

from collections.abc import Iterable

from jettison.check.rule import Rule
from jettison.check.steps import image_bytes, new_bytes
from jettison.check.subject import Subject
from jettison.check.units import MEGABYTE, size
from jettison.findings.finding import Finding, Severity
from jettison.findings.fix import advice

_LEAST = 20 * MEGABYTE
_TIMES = 10


class MS608(Rule):
    r"""A program that needs nothing, on a large base.

    ## What it does
    Finds images that start a statically linked program which was copied from a stage, where all
    that the build added is less than a tenth of the image.

    ## Why is this bad
    The program needs none of the base's libraries, and likely nothing else of it: on `scratch`, or
    an image that has certificates and time zones only, it would be a tenth of the size.

    ## Example
        FROM golang:1.23 AS build
        RUN CGO_ENABLED=0 go build -o /app .
        FROM debian:bookworm-slim
        COPY --from=build /app /app
        ENTRYPOINT ["/app"]

    ## Use instead
        FROM golang:1.23 AS build
        RUN CGO_ENABLED=0 go build -o /app .
        FROM scratch
        COPY --from=build /app /app
        ENTRYPOINT ["/app"]
    """

    id = "MS608"
    title = "A base is no larger than what it is needed for"

    def check(self, subject: Subject) -> Iterable[Finding]:
        """Yield one finding if the image starts such a program."""
        paths = subject.reached.paths
        elf = subject.image.programs.elf(paths[0]) if len(paths) == 1 else None
        copied = subject.copied(paths[0]) if elf is not None and elf.is_static else None
        if copied is None or copied.stage < 0:
            return
        added = new_bytes(subject)
        if not added or subject.fact(image_bytes) < max(_LEAST, _TIMES * added):
            return
        base = subject.fact(image_bytes) - added
        yield self.finding(
            Severity.NOTE,
            f"the image is {size(base)} of base and {size(added)} of `{paths[0]}`,"
            " which is linked statically",
            span=copied.span,
            path=paths[0],
            stage=subject.final.label,
            fixes=advice(
                "build it FROM scratch, with certificates and time zones if it needs them"
            ),
        )

"""MS313: a static program asks for libraries of glibc when it runs.

In:  a ``Subject``.
Out: findings.
"""

from __future__ import annotations

from collections.abc import Iterable

from jettison.analysis.loader.base import Family
from jettison.check.loads import Load, here, loads
from jettison.check.rule import Rule
from jettison.check.subject import Subject
from jettison.check.wording import span_of
from jettison.findings.finding import Finding, Severity
from jettison.findings.fix import advice

_MAX_BYTES = 64 << 20
_LOADED = b"libnss_"


class MS313(Rule):
    r"""A program is linked statically with glibc, which still loads libraries to look names up.

    ## What it does
    Finds static programs with the start files of glibc that hold its code for the name service
    switch, in images without glibc.

    ## Why is this bad
    `getaddrinfo`, `getpwnam` and their like load `libnss_dns.so.2` and others when they are called,
    of exactly the glibc that the program was linked with. Without them no name of a host or user
    is found. musl, and Go without cgo, need none.

    ## Example
        FROM gcc:13 AS builder
        RUN gcc -static -o /app /client.c
        FROM scratch
        COPY --from=builder /app /app
        CMD ["/app"]

    ## Use instead
        FROM gcc:13 AS builder
        RUN gcc -o /app /client.c
        FROM debian:13-slim
        COPY --from=builder /app /app
        CMD ["/app"]
    """

    id = "MS313"
    title = "Static programs look names up without libraries"

    def check(self, subject: Subject) -> Iterable[Finding]:
        """Yield a note for each program."""
        if here(subject).family is Family.GLIBC:
            return
        for load in subject.fact(loads):
            if not load.is_entry or not _is_static_glibc(load):
                continue
            if _LOADED in (subject.image.files.read(load.path, _MAX_BYTES) or b""):
                yield self.finding(
                    Severity.NOTE,
                    f"`{load.path}` is linked statically with glibc, and loads its libraries to"
                    " look up names of hosts and users",
                    span=span_of(subject, load),
                    path=load.path,
                    stage=subject.final.label,
                    fixes=advice("link it with musl, or use a base image with glibc"),
                )


def _is_static_glibc(load: Load) -> bool:
    return load.elf.is_static and bool(load.elf.kernel)

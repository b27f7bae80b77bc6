"""MS508: tools that only an intruder needs.

In:  a ``Subject``.
Out: findings.
"""

from __future__ import annotations

from collections.abc import Iterable

from jettison.analysis.surface import surface
from jettison.check.rule import Rule
from jettison.check.subject import Subject
from jettison.check.written import listed
from jettison.findings.finding import Finding, Severity
from jettison.findings.fix import advice

_KINDS = {
    "shells": "shells",
    "package_managers": "package managers",
    "compilers": "compilers",
    "network_clients": "network clients",
}


class MS508(Rule):
    r"""The image has a shell, a package manager, a compiler or a network client.

    ## What it does
    Notes which of these programs the image has: shells, package managers, compilers and linkers,
    clients such as curl. A busybox counts once for each kind, whatever links lead to it.

    ## Why is this bad
    They are what an intruder works with, and what scanners report. An image that starts one
    program needs none. Most images have them, so this is a note; the gates of the report
    (`--gate forbid=shells,package_managers`) make it a condition.

    ## Example
        FROM golang:1.23
        COPY . /src
        RUN cd /src && CGO_ENABLED=0 go build -o /app .
        CMD ["/app"]

    ## Use instead
        FROM golang:1.23 AS build
        COPY . /src
        RUN cd /src && CGO_ENABLED=0 go build -o /app .

        FROM scratch
        COPY --from=build /app /app
        CMD ["/app"]
    """

    id = "MS508"
    title = "The image has no shell, package manager, compiler or network client"

    def check(self, subject: Subject) -> Iterable[Finding]:
        """Yield one note."""
        found = subject.image.fact(surface)
        parts = [
            f"{_counted(found.counts[kind], name)} ({listed(found.paths[kind], 2)})"
            for kind, name in _KINDS.items()
            if found.counts.get(kind)
        ]
        if parts:
            yield self.finding(
                Severity.NOTE,
                f"the image has {', '.join(parts)}",
                stage=subject.final.label,
                fixes=advice("copy what runs into a stage that is FROM scratch or a smaller base"),
            )


def _counted(count: int, name: str) -> str:
    return f"a {name[:-1]}" if count == 1 else f"{count} {name}"

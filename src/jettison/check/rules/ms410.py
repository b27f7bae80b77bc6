"""MS410: programs ship with symbols or debug information that running does not need.

In:  a ``Subject``.
Out: findings.
"""

from __future__ import annotations

from collections.abc import Iterable

from jettison.analysis.elf.model import Elf
from jettison.check.rule import Rule
from jettison.check.subject import Subject
from jettison.check.units import size
from jettison.findings.finding import Finding, Fix, Severity
from jettison.findings.fix import advice

_LEAST = 1_000_000
_SHOWN = 3


class MS410(Rule):
    r"""Programs ship with symbols or debug information that running does not need.

    ## What it does
    Adds up the symbol tables and the debug information of programs and libraries that the build put
    into the image. From 1 MB on it says so, with the largest ones.

    ## Why is this bad
    It makes the image larger, and shows how the program is made. Who needs it to read crash dumps
    keeps it outside of the image.

    ## Example
        FROM golang:1.23 AS build
        WORKDIR /src
        COPY . .
        RUN go build -o /app .
        FROM scratch
        COPY --from=build /app /app
        ENTRYPOINT ["/app"]

    ## Use instead
        FROM golang:1.23 AS build
        WORKDIR /src
        COPY . .
        RUN go build -ldflags="-s -w" -o /app .
        FROM scratch
        COPY --from=build /app /app
        ENTRYPOINT ["/app"]
    """

    id = "MS410"
    title = "Programs ship without symbols and debug information"

    def check(self, subject: Subject) -> Iterable[Finding]:
        """Yield one note with all that could be left out."""
        files = subject.image.files
        sizes: dict[str, int] = {}
        seen: set[tuple[int, int]] = set()
        for path, elf in subject.image.programs.elves.items():
            wasted = elf.symbols + elf.debug
            st = files.entries[path]
            if not wasted or st.identity in seen or not subject.is_new(path):
                continue
            seen.add(st.identity)
            sizes[path] = min(wasted, files.size(path))
        total = sum(sizes.values())
        if total < _LEAST:
            return
        largest = sorted(sizes, key=lambda path: (-sizes[path], path))
        first = largest[0]
        shown = ", ".join(f"{path} {size(sizes[path])}" for path in largest[:_SHOWN])
        more = f" and {len(largest) - _SHOWN} more" if len(largest) > _SHOWN else ""
        copied = subject.copied(first)
        yield self.finding(
            Severity.NOTE,
            f"symbols and debug information that running does not need: {size(total)}",
            span=copied.span if copied is not None else subject.span_of(first),
            path=first,
            stage=subject.final.label,
            cause=(f"{shown}{more}",),
            fixes=_fixes(subject.image.programs.elf(first), first),
        )


def _fixes(elf: Elf | None, path: str) -> tuple[Fix, ...]:
    if elf is not None and elf.go is not None:
        return advice('build with `go build -ldflags="-s -w"`')
    if elf is not None and elf.crates:
        return advice("set `strip = true` in the release profile of `Cargo.toml`")
    return advice(f"run `strip --strip-unneeded {path.rpartition('/')[2]}` before it is copied")

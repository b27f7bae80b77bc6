"""MS304: a library is too old for a program.

In:  a ``Subject``.
Out: findings.
"""

from __future__ import annotations

from collections.abc import Iterable

from jettison.analysis.loader.base import Unmet
from jettison.analysis.loader.system import newest, version_key
from jettison.check.alignment import same_base
from jettison.check.diagnosis import failures
from jettison.check.loads import Load
from jettison.check.rule import Rule
from jettison.check.subject import Subject
from jettison.check.wording import grouped, sides, span_of, subject_of
from jettison.findings.finding import Finding
from jettison.findings.fix import advice

_ADVICE = "build the program on a base image that is as old as the one it is to run on"


class MS304(Rule):
    r"""A program needs a version of a symbol that a library of the image does not define.

    ## What it does
    Compares the versions of symbols that programs and their libraries ask for (`GLIBC_2.38`,
    `GLIBCXX_3.4.32`) with those that the libraries define which the loader finds in the image.

    ## Why is this bad
    The program was linked with a newer library than it is to run with, and ends at once:
    `version 'GLIBC_2.38' not found`. It comes of a builder whose base image moved to a newer
    release of the distribution, as `rust` or `golang` do without a release in their tag.

    ## Example
        FROM rust:1.95 AS builder
        COPY . .
        RUN cargo build --release
        FROM debian:bookworm-slim
        COPY --from=builder /target/release/app /usr/local/bin/app
        CMD ["app"]

    ## Use instead
        FROM rust:1.95-bookworm AS builder
        COPY . .
        RUN cargo build --release
        FROM debian:bookworm-slim
        COPY --from=builder /target/release/app /usr/local/bin/app
        CMD ["app"]
    """

    id = "MS304"
    title = "Libraries define the versions of symbols that programs need"

    def check(self, subject: Subject) -> Iterable[Finding]:
        """Yield a finding for each program, or for what one COPY brought."""
        for load, others in grouped(subject, failures(subject, self.id), _key):
            unmet = load.closure.unmet[0]
            wanted = newest(unmet.versions)
            has = _newest_of(load, unmet, wanted)
            yield self.finding(
                load.severity,
                f"{subject_of(load, unmet.by, others)} needs {wanted} of `{unmet.library}`,"
                f" which has {f'versions up to {has}' if has else 'no such version'}",
                span=span_of(subject, load),
                path=load.path,
                stage=subject.final.label,
                cause=(f"`{unmet.library}` is `{unmet.path}`", *sides(subject, load)),
                fixes=same_base(subject, load) or advice(_ADVICE),
            )


def _key(load: Load) -> object:
    unmet = load.closure.unmet[0]
    return unmet.library, newest(unmet.versions)


def _newest_of(load: Load, unmet: Unmet, wanted: str) -> str:
    """Return the newest version of the kind that is wanted that a library defines."""
    kind = wanted.rpartition("_")[0]
    library = next(each.elf for each in load.closure.loaded if each.path == unmet.path)
    same = [each for each in library.defines if each.rpartition("_")[0] == kind]
    numbered = tuple(each for each in same if version_key(each))
    return newest(numbered)

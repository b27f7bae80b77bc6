"""MS302: a program's interpreter is missing.

In:  a ``Subject``.
Out: findings.
"""

from __future__ import annotations

from collections.abc import Iterable

from jettison.analysis.loader.base import Family
from jettison.check.alignment import copies, same_base
from jettison.check.diagnosis import failures
from jettison.check.loads import Load, here
from jettison.check.rule import Rule
from jettison.check.subject import Subject
from jettison.check.wording import grouped, sides, span_of, subject_of
from jettison.findings.finding import Finding
from jettison.findings.fix import advice

_ADVICE = "link the program statically, or use a base image that has a C library"


class MS302(Rule):
    r"""A program is linked dynamically, and the program interpreter that it names is not there.

    ## What it does
    Finds programs whose ELF header names an interpreter (the loader of the C library, such as
    `/lib64/ld-linux-x86-64.so.2`) that the image does not have, or that nobody may execute. If the
    image has another C library, it is MS305.

    ## Why is this bad
    The kernel refuses to start such a program, and says `no such file or directory` of a file that
    is there.

    ## Example
        FROM gcc:13 AS builder
        COPY app.c /
        RUN gcc -o /app /app.c
        FROM scratch
        COPY --from=builder /app /app
        CMD ["/app"]

    ## Use instead
        FROM gcc:13 AS builder
        COPY app.c /
        RUN gcc -static -o /app /app.c
        FROM scratch
        COPY --from=builder /app /app
        CMD ["/app"]
    """

    id = "MS302"
    title = "The interpreter that a program names is there"

    def check(self, subject: Subject) -> Iterable[Finding]:
        """Yield a finding for each program, or for what one COPY brought."""
        for load, others in grouped(subject, failures(subject, self.id), _interp):
            is_bare = here(subject).family is Family.NONE
            libraries = copies(subject, load) if is_bare else ()
            is_there = subject.image.files.find(load.elf.interp) is not None
            said = "cannot be executed" if is_there else "is not in the image"
            yield self.finding(
                load.severity,
                f"{subject_of(load, load.path, others)} needs the interpreter `{load.elf.interp}`,"
                f" which {said}",
                span=span_of(subject, load),
                path=load.path,
                stage=subject.final.label,
                cause=sides(subject, load),
                fixes=(*libraries, *same_base(subject, load)) or advice(_ADVICE),
            )


def _interp(load: Load) -> object:
    return load.elf.interp

"""MS307: a program needs a newer processor than the first of its architecture.

In:  a ``Subject``.
Out: findings.
"""

from __future__ import annotations

from collections.abc import Iterable

from jettison.check.loads import Load, loads
from jettison.check.rule import Rule
from jettison.check.subject import Subject
from jettison.check.wording import span_of
from jettison.findings.finding import Finding, Severity
from jettison.findings.fix import advice


class MS307(Rule):
    r"""A program or a library of this build needs a newer processor than x86-64 began with.

    ## What it does
    Reads the note of ELF files that says for which level they were compiled: `x86-64-v2` (2009),
    `x86-64-v3` (2013), `x86-64-v4` (2017). It looks at what the image starts and this build made.

    ## Why is this bad
    On older processors, and in virtual machines that hide what theirs can do, the loader refuses
    it, or the program ends by a signal.

    ## Example
        FROM gcc:13 AS builder
        RUN gcc -march=x86-64-v3 -o /app /app.c

    ## Use instead
        FROM gcc:13 AS builder
        RUN gcc -o /app /app.c
    """

    id = "MS307"
    title = "Programs run on every processor of the architecture"

    def check(self, subject: Subject) -> Iterable[Finding]:
        """Yield a note for each program."""
        for load in subject.fact(loads):
            level, path = _level(subject, load)
            if load.is_entry and level:
                yield self.finding(
                    Severity.NOTE,
                    f"`{path}` needs a processor of level {level}",
                    span=span_of(subject, load),
                    path=load.path,
                    stage=subject.final.label,
                    fixes=advice("compile it without -march, or for x86-64"),
                )


def _level(subject: Subject, load: Load) -> tuple[str, str]:
    """Return the highest level that a program or its libraries of this build need, and whose."""
    files = [(load.elf.isa_level, load.path)]
    files += [(each.elf.isa_level or each.level, each.path) for each in load.closure.loaded]
    return max((each for each in files if each[0] and subject.is_new(each[1])), default=("", ""))

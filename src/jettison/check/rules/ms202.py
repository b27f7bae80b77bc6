"""MS202: a copy from a stage that brought nothing.

In:  a ``Subject``.
Out: findings.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable

from jettison.check.layer_facts import LayerFact
from jettison.check.rule import Rule
from jettison.check.size_facts import EMPTY_PROGRAMS
from jettison.check.steps import BuiltStep, copies, listing_of, origins_of
from jettison.check.subject import Subject
from jettison.findings.finding import Finding, Severity
from jettison.findings.fix import advice
from jettison.fs.listing import Listing
from jettison.provenance.origin import SourceKind

_MADE_FOR_RUN_TIME = frozenset(
    {"tmp", "var", "run", "data", "log", "logs", "cache", "home", "srv", "mnt", "state", "empty"}
)
"""Names of directories that are copied empty on purpose."""


class MS202(Rule):
    r"""A copy from a stage that brought nothing.

    ## What it does
    Finds `COPY --from` that copied only empty directories, and programs that are copied with no
    byte in them. Directories such as `/tmp` and `/data` are meant to be empty, and so are files
    such as `__init__.py` and `py.typed`.

    ## Why is this bad
    What was to be built is somewhere else, or was not built: a build system that fails without
    saying so leaves directories and empty files.

    ## Example
        FROM busybox AS build
        RUN mkdir -p /out/bin && echo built > /out/app
        FROM busybox
        COPY --from=build /out/bin /usr/local/bin

    ## Use instead
        FROM busybox AS build
        RUN mkdir -p /out/bin && echo built > /out/bin/app
        FROM busybox
        COPY --from=build /out/bin /usr/local/bin
    """

    id = "MS202"
    title = "Copies between stages copy something"

    def check(self, subject: Subject) -> Iterable[Finding]:
        """Yield copies of nothing, and empty programs that were copied."""
        for step in copies(subject):
            if step.record.source < 0:
                continue
            yield from self._empty_directories(subject, step)
            yield from self._empty_programs(subject, step)

    def _empty_directories(self, subject: Subject, step: BuiltStep) -> Iterable[Finding]:
        origins = origins_of(subject, step)
        if origins is None or not subject.of_layer(_IS_EMPTY, step.stage.index, step.position):
            return
        source = subject.record.stages[step.record.source]
        for each in origins.sources:
            name = each.root.rstrip("/").rpartition("/")[2]
            if each.kind is SourceKind.DIRECTORY and name.strip(".") not in _MADE_FOR_RUN_TIME:
                yield self.finding(
                    Severity.WARNING,
                    f"nothing was copied: `{each.root}` of the stage `{source.label}` is empty",
                    span=step.span,
                    path=each.target,
                    stage=step.stage.label,
                    fixes=advice(f"look where `{source.label}` puts what it makes"),
                )

    def _empty_programs(self, subject: Subject, step: BuiltStep) -> Iterable[Finding]:
        entries = subject.of_layer(EMPTY_PROGRAMS, step.stage.index, step.position)
        listing = listing_of(subject, step) if entries else None
        if entries is None or listing is None:
            return
        for path in map(listing.paths.__getitem__, entries):
            yield self.finding(
                Severity.WARNING,
                f"`{path}` is executable and has no byte in it",
                span=step.span,
                path=path,
                stage=step.stage.label,
                fixes=advice("look why the step that makes it does not fail"),
            )


def _is_empty(listing: Listing) -> bool:
    return all(map(stat.S_ISDIR, set(listing.modes)))


_IS_EMPTY = LayerFact("only directories 1", _is_empty, bool)

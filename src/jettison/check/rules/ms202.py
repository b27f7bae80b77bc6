"""MS202: a copy from a stage that brought nothing.

In:  a ``Subject``.
Out: findings.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable

from jettison.check.rule import Rule
from jettison.check.steps import BuiltStep, copies, listing_of, origins_of
from jettison.check.subject import Subject
from jettison.findings.finding import Finding, Severity
from jettison.findings.fix import advice
from jettison.provenance.origin import SourceKind

_MADE_FOR_RUN_TIME = frozenset(
    {"tmp", "var", "run", "data", "log", "logs", "cache", "home", "srv", "mnt", "state", "empty"}
)
"""Names of directories that are copied empty on purpose."""


class MS202(Rule):
    r"""A copy from a stage that brought nothing.

    ## What it does
    Finds `COPY --from` that copied only empty directories, and programs that are copied with no
    byte in them. Directories such as `/tmp` and `/data` are meant to be empty.

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
        listing, origins = listing_of(subject, step), origins_of(subject, step)
        if listing is None or origins is None:
            return
        if not all(map(listing.is_dir, range(len(listing.paths)))):
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
        listing = listing_of(subject, step)
        if listing is None:
            return
        for entry, (path, mode) in enumerate(zip(listing.paths, listing.modes, strict=True)):
            if stat.S_ISREG(mode) and mode & 0o111 and not listing.sizes[entry]:
                yield self.finding(
                    Severity.WARNING,
                    f"`{path}` is executable and has no byte in it",
                    span=step.span,
                    path=path,
                    stage=step.stage.label,
                    fixes=advice("look why the step that makes it does not fail"),
                )

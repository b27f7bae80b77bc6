"""MS204: a link that was copied as a second file.

In:  a ``Subject``.
Out: findings.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable

from jettison.check.rule import Rule
from jettison.check.steps import BuiltStep, copies, listing_of, origins_of
from jettison.check.subject import Subject
from jettison.check.units import size
from jettison.findings.finding import Finding, Severity
from jettison.findings.fix import advice
from jettison.provenance.origin import SourceKind

_LEAST_BYTES = 16 << 10


class MS204(Rule):
    r"""A link that was copied as a second file.

    ## What it does
    Finds `COPY --from` with several sources of which one is a link to another: COPY follows a
    link that it is given, so that both are whole files.

    ## Why is this bad
    The image has the same bytes twice or three times, as with `libfoo.so`, `libfoo.so.1` and
    `libfoo.so.1.2`. Copies of a directory keep the links in it.

    ## Example
        FROM busybox AS build
        RUN mkdir /lib64 && cp /bin/busybox /lib64/libx.so.1 && ln -s libx.so.1 /lib64/libx.so
        FROM busybox
        COPY --from=build /lib64/libx.so /lib64/libx.so.1 /usr/lib/

    ## Use instead
        FROM busybox AS build
        RUN mkdir /lib64 && cp /bin/busybox /lib64/libx.so.1 && ln -s libx.so.1 /lib64/libx.so
        FROM busybox
        COPY --from=build /lib64/ /usr/lib/
    """

    id = "MS204"
    title = "Links are copied as links"

    def check(self, subject: Subject) -> Iterable[Finding]:
        """Yield copies whose sources are a file and links to it."""
        for step in copies(subject):
            for paths, bytes_each in _equal_files(subject, step):
                names = ", ".join(f"`{posixpath.basename(path)}`" for path in paths)
                yield self.finding(
                    Severity.NOTE,
                    f"{names} are {len(paths)} files of the same {size(bytes_each)}:"
                    " they were links to one",
                    span=step.span,
                    path=paths[0],
                    stage=step.stage.label,
                    fixes=advice(
                        "copy the directory that they are in, or one of them and RUN ln -s"
                    ),
                )


def _equal_files(subject: Subject, step: BuiltStep) -> Iterable[tuple[list[str], int]]:
    """Yield files of one copy that are equal, and of which links were sources."""
    listing, origins = listing_of(subject, step), origins_of(subject, step)
    if listing is None or origins is None or step.record.source < 0:
        return
    single = {each.target for each in origins.sources if each.kind is SourceKind.FILE}
    if len(single) < 2:
        return
    groups: dict[tuple[bytes, int], list[str]] = {}
    for path in sorted(single):
        entry = listing.index.get(path)
        if entry is not None and listing.is_file(entry) and entry not in listing.links:
            digest, size_bytes = listing.digest(entry), listing.size(entry)
            if digest and size_bytes >= _LEAST_BYTES:
                groups.setdefault((digest, size_bytes), []).append(path)
    # The origin of a link that was followed is where it leads to.
    for (_, bytes_each), paths in groups.items():
        roots = {origin.path for path in paths if (origin := origins.find(path)) is not None}
        if len(paths) > len(roots):
            yield paths, bytes_each

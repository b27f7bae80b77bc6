"""MS208: capabilities of a program that a copy lost.

In:  a ``Subject``.
Out: findings.
"""

from __future__ import annotations

from collections.abc import Iterable

from jettison.check.layer_facts import LayerFact
from jettison.check.rule import Rule
from jettison.check.steps import copies, listing_of, origins_of
from jettison.check.subject import Subject
from jettison.findings.finding import Finding, Severity
from jettison.findings.fix import advice
from jettison.fs.listing import Listing

_ATTRIBUTE = "security.capability"


class MS208(Rule):
    r"""Capabilities of a program that a copy lost.

    ## What it does
    Finds programs that have capabilities (setcap) in the stage that they were copied from, and
    none in the image.

    ## Why is this bad
    The program is refused what it was given them for: a port below 1024, raw sockets. The kernel
    drops them when the owner changes or the file is written to, and so does a copy by cp(1). The
    `--chown` of COPY keeps them.

    ## Example
        FROM debian:bookworm-slim AS build
        RUN cp /bin/ping /ping && setcap cap_net_raw+ep /ping
        FROM debian:bookworm-slim
        COPY --from=build /ping /ping
        RUN chown 1000:1000 /ping

    ## Use instead
        FROM debian:bookworm-slim AS build
        RUN cp /bin/ping /ping && setcap cap_net_raw+ep /ping
        FROM debian:bookworm-slim
        COPY --from=build --chown=1000:1000 /ping /ping
    """

    id = "MS208"
    title = "Programs keep the capabilities that they were given"

    def check(self, subject: Subject) -> Iterable[Finding]:
        """Yield files of copies whose source has capabilities, where the image shows none."""
        shown = subject.provenance.image.visible
        for step in copies(subject):
            listing, origins = listing_of(subject, step), origins_of(subject, step)
            if step.record.source < 0 or listing is None or origins is None:
                continue
            if not _may_be_capable(subject, step.record.source):
                continue
            source = subject.provenance.files(step.record.source).visible
            capable = {
                path
                for path, seen in source.entries.items()
                if source.layers[seen.layer].xattrs
                and _ATTRIBUTE in source.layers[seen.layer].xattrs.get(seen.entry, {})
            }
            for entry, path in enumerate(listing.paths):
                origin = origins.find(path) if listing.is_file(entry) else None
                seen = shown.entries.get(path)
                if origin is None or origin.path not in capable or seen is None:
                    continue
                if _ATTRIBUTE not in shown.layers[seen.layer].xattrs.get(seen.entry, {}):
                    label = subject.record.stages[step.record.source].label
                    yield self.finding(
                        Severity.WARNING,
                        f"`{path}` has lost the capabilities that it has in `{label}`",
                        span=subject.span_of(path) or step.span,
                        path=path,
                        stage=step.stage.label,
                        cause=(f"`{origin.path}` of `{label}` has them",),
                        fixes=advice("give COPY --chown, or RUN setcap after what drops them"),
                    )


def _may_be_capable(subject: Subject, stage: int) -> bool:
    """Tell whether any layer of a stage has a file with capabilities."""
    count = len(subject.provenance.files(stage).layers)
    return True in [subject.of_layer(_CAPABLE, stage, position) for position in range(count)]


def _capable(listing: Listing) -> bool:
    return any(_ATTRIBUTE in each for each in listing.xattrs.values())


_CAPABLE = LayerFact(_ATTRIBUTE, _capable, bool)

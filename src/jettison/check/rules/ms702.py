"""MS702: modes of files that another checkout does not have.

In:  a ``Subject``.
Out: findings.
"""

from __future__ import annotations

import stat
from collections import Counter
from collections.abc import Iterable

from jettison.check.layer_facts import LayerFact
from jettison.check.rule import Rule
from jettison.check.steps import context_copies, listing_of, origins_of
from jettison.check.subject import Subject
from jettison.check.units import counted
from jettison.findings.finding import Finding, Severity
from jettison.findings.fix import advice
from jettison.frontend.dockerfile.syntax import Add, Copy
from jettison.fs.listing import Listing

_GROUP_WRITES = 0o020
_SHARE = 0.5
_LEAST = 3


class MS702(Rule):
    r"""Modes of files that another checkout does not have.

    ## What it does
    Finds copies from the build context most of whose files their group may write, as a umask of
    002 makes them.

    ## Why is this bad
    Modes are part of the cache key. git keeps only whether a file is executable, so that a
    checkout with the usual umask of 022, as in CI, has other modes: the two share no cache.

    ## Example
        FROM busybox
        COPY sources /app

    ## Use instead
        FROM busybox
        COPY --chmod=u=rwX,go=rX sources /app
    """

    id = "MS702"
    title = "Copied files have the modes of any checkout"

    def check(self, subject: Subject) -> Iterable[Finding]:
        """Yield copies whose files have modes of a umask."""
        for step in context_copies(subject):
            if isinstance(step.instruction, Copy | Add) and step.instruction.chmod:
                continue
            wide = 0
            if step.position >= 0:
                wide = subject.of_layer(_WIDE, step.stage.index, step.position) or 0
            listing = listing_of(subject, step) if wide >= _LEAST else None
            origins = origins_of(subject, step)
            if listing is None or origins is None:
                continue
            modes = [
                listing.modes[entry]
                for entry, path in enumerate(listing.paths)
                if listing.is_file(entry) and origins.find(path) is not None
            ]
            wide = sum(1 for mode in modes if mode & _GROUP_WRITES)
            if wide >= _LEAST and wide >= _SHARE * len(modes):
                yield self.finding(
                    Severity.NOTE,
                    f"the group may write {wide} of {counted(len(modes), 'copied file')}:"
                    " with another umask the cache knows none of them",
                    span=step.span,
                    stage=step.stage.label,
                    fixes=advice("check out with umask 022, or give the files --chmod"),
                )


def _wide(listing: Listing) -> int:
    """Return how many files of a layer the group may write."""
    modes = Counter(listing.modes)
    return sum(n for mode, n in modes.items() if stat.S_ISREG(mode) and mode & _GROUP_WRITES)


_WIDE = LayerFact("files that the group may write 1", _wide, int)

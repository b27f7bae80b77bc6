"""MS604: the same bytes at several paths.

In:  a ``Subject``.
Out: findings.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from jettison.analysis.duplicates import DuplicateFiles, duplicate_files
from jettison.check.rule import Rule
from jettison.check.size_facts import REPEATED, REPEATED_BYTES, SIZES
from jettison.check.subject import Subject
from jettison.check.units import MEGABYTE, size
from jettison.findings.finding import Finding, Severity
from jettison.findings.fix import advice

_MOST = 10


class MS604(Rule):
    r"""The same bytes at several paths.

    ## What it does
    Finds files of which the image has equal ones, from 1 MB on, where the build put at least one
    of them there. Names of one file, and links, are no second copy.

    ## Why is this bad
    Each copy is shipped.

    ## Example
        FROM busybox
        RUN head -c 2000000 /dev/urandom > /one && cp /one /two

    ## Use instead
        FROM busybox
        RUN head -c 2000000 /dev/urandom > /one && ln -s one /two
    """

    id = "MS604"
    title = "An image has each large file once"

    def check(self, subject: Subject) -> Iterable[Finding]:
        """Yield groups of equal files, those that cost most first."""
        for group in _groups(subject)[:_MOST]:
            new = [path for path in group.paths if subject.is_new(path)]
            if not new:
                continue
            yield self.finding(
                Severity.NOTE,
                f"{group.count} files have the same {size(group.bytes)}",
                span=subject.span_of(new[-1]),
                path=new[-1],
                stage=subject.final.label,
                cause=tuple(group.paths[:4]),
                fixes=advice("keep one, and make links of the others"),
            )


def _groups(subject: Subject) -> list[DuplicateFiles]:
    """Return groups of equal files; none is looked for if no size of a new file says so."""
    files = subject.provenance.image
    if not _may_repeat(subject):
        return []
    counts: Counter[int] = Counter()
    own: set[int] = set()
    for position, layer in enumerate(files.layers):
        sizes = subject.of_layer(SIZES, subject.record.target, position) or {}
        counts.update(sizes)
        if not layer.is_base:
            own.update(sizes)
    if not any(size * (counts[size] - 1) >= MEGABYTE for size in own):
        return []
    return duplicate_files(files.visible, least=MEGABYTE)


def _may_repeat(subject: Subject) -> bool:
    """Tell whether so many files may have one size, by those that are many in a layer.

    Of a size of which no layer tells that, each has less than ``REPEATED_BYTES``.
    """
    stage, count = subject.record.target, len(subject.provenance.image.layers)
    if count * REPEATED_BYTES > MEGABYTE:
        return True
    layers = [subject.of_layer(REPEATED, stage, position) or {} for position in range(count)]
    for each_size in set().union(*layers):
        most = sum(each.get(each_size, 0) * each_size or REPEATED_BYTES for each in layers)
        if most - each_size >= MEGABYTE:
            return True
    return False
